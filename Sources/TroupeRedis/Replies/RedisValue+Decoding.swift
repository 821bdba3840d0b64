public import NIOCore

extension RedisValue {
    /// The reply as text.
    ///
    /// - Throws: `unexpectedReply` if it is not a string or a status.
    public func requireString() throws(RedisError) -> String {
        guard let string else { throw unexpected("a string") }
        return string
    }

    /// The reply as an integer.
    ///
    /// - Throws: `unexpectedReply` if it is not one.
    public func requireInteger() throws(RedisError) -> Int {
        guard let integer else { throw unexpected("an integer") }
        return integer
    }

    /// The reply's elements.
    ///
    /// - Throws: `unexpectedReply` if it is not an array.
    public func requireArray() throws(RedisError) -> RedisArray {
        guard let array else { throw unexpected("an array") }
        return array
    }

    /// Texts of an array, nil where an element is nothing; empty if the reply is nothing.
    ///
    /// - Throws: `unexpectedReply` if it is something else.
    public func strings() throws(RedisError) -> [String?] {
        if isNull { return [] }
        return try requireArray().map(\.string)
    }

    /// The time since 1970 that `TIME` answers.
    ///
    /// - Throws: `unexpectedReply` if the reply is not seconds and microseconds.
    package func time() throws(RedisError) -> Duration {
        let parts = try strings().map { $0.flatMap { Int64($0) } }
        guard parts.count == 2, let seconds = parts[0], let microseconds = parts[1] else {
            throw unexpected("a time")
        }
        return .seconds(seconds) + .microseconds(microseconds)
    }

    /// Fields and values of a hash, as `HGETALL` answers them; empty if there is no such key.
    ///
    /// - Throws: `unexpectedReply` if the reply is not a list of pairs.
    public func fields() throws(RedisError) -> [String: ByteBuffer] {
        if isNull { return [:] }
        let elements = try requireArray()
        guard elements.count.isMultiple(of: 2) else { throw unexpected("pairs") }
        var fields: [String: ByteBuffer] = [:]
        fields.reserveCapacity(elements.count / 2)
        for index in stride(from: 0, to: elements.count, by: 2) {
            guard let name = elements[index].string, let value = elements[index + 1].buffer else {
                throw unexpected("pairs of strings")
            }
            fields[name] = value
        }
        return fields
    }

    /// Members with their scores, as `ZRANGE … WITHSCORES` answers them.
    ///
    /// - Throws: `unexpectedReply` if the reply is not a list of such pairs.
    public func scoredMembers() throws(RedisError) -> [(member: String, score: Double)] {
        let elements = try requireArray()
        guard elements.count.isMultiple(of: 2) else { throw unexpected("pairs") }
        var members: [(member: String, score: Double)] = []
        for index in stride(from: 0, to: elements.count, by: 2) {
            guard let member = elements[index].string, let score = elements[index + 1].double
            else { throw unexpected("members and scores") }
            members.append((member, score))
        }
        return members
    }

    func unexpected(_ wanted: String) -> RedisError {
        RedisError(.unexpectedReply, "the reply is not \(wanted)", outcome: .answered)
    }
}
