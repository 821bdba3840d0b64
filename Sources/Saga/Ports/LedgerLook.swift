/// What a saga's ledger held for some fields when somebody looked.
package final class LedgerLook: Sendable {
    private let fields: [String]
    /// In the order of the fields; empty if it held nothing of any of them.
    private let entries: [LedgerEntry?]
    /// How its idempotency keys are made.
    package let form: KeyForm
    /// When the store's data came to be; nil if nobody has noted that since it was lost, or
    /// nobody asked.
    package let born: Int64?

    /// What was found.
    ///
    /// - Parameter entries: in the order of the fields; empty for none of them.
    package init(
        fields: [String], entries: [LedgerEntry?], form: KeyForm, born: Int64? = nil
    ) {
        self.born = born
        self.fields = fields
        self.entries = entries
        self.form = form
    }

    /// Whether it asked for a field; of any other it says nothing.
    package func covers(_ field: String) -> Bool { fields.contains(field) }

    /// What it held for a field that it covers; nil if nothing.
    package subscript(_ field: String) -> LedgerEntry? {
        guard let index = fields.firstIndex(of: field), entries.indices.contains(index) else {
            return nil
        }
        return entries[index]
    }
}
