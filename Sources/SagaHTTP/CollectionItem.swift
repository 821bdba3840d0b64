public import JSONText
public import ServiceHTTP

/// What a collection holds, apart from what all of them have: an ID, two times and a version.
public protocol CollectionItem: Sendable, Equatable {
    /// One of them in a word, which names records and the service that owns them: `user`.
    static var noun: String { get }
    /// All of them in a word, which is the path of the collection: `users`.
    static var plural: String { get }

    /// The fields of its record.
    var fields: [String: String] { get }
    /// Reads a record; nil if a field is missing or damaged.
    init?(fields: [String: String])

    /// Reads the body of a `POST`, reporting every faulty field to the reader.
    init(_ body: FieldReader)
    /// Reads the body of a `PATCH`, reporting likewise: a merge patch (RFC 7396).
    ///
    /// Returns what it does to an item, which may be asked of several versions in turn.
    static func change(_ patch: FieldReader) -> @Sendable (inout Self) -> Void
    /// Writes its members, between the ID and the times.
    func write(to json: inout JSONWriter)
}
