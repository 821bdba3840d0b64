/// Why a text is not JSON that we can take.
public struct JSONFault: Error, Sendable, Hashable {
    /// What is wrong, as a sentence without a full stop.
    public var message: String
    /// How many bytes stand before it.
    public var offset: Int

    @usableFromInline
    package init(message: String, offset: Int) {
        self.message = message
        self.offset = offset
    }
}
