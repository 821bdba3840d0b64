/// What was found while doing what has to be done now and then.
package struct HousekeepingReport: Sendable {
    /// A group for which its stream keeps entries that are older than retention.
    package struct ForgottenGroup: Hashable, Sendable {
        package var stream: String
        package var group: String

        package init(stream: String, group: String) {
            self.stream = stream
            self.group = group
        }
    }

    /// How many entries of each stream nobody has read; nil where that is not known.
    package var lags: [Int?]
    package var forgotten: [ForgottenGroup] = []
    /// What failed, by the name of the key; the rest was done all the same.
    package var faults: [String: SagaError] = [:]

    package init(lags: [Int?]) {
        self.lags = lags
    }
}

extension SagaError {
    /// Whether it says something of one key, and nothing of the others.
    ///
    /// What the store itself answered does; without an answer, the next key would have none.
    package var concernsOneKey: Bool { answer != nil || code == .unexpectedState }
}
