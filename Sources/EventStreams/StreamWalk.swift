package import TroupeRedis

/// Reads streams in pages that are bounded in bytes, over a connection of its own, so that nothing
/// else waits for them or fails with them.
package struct StreamPages: Sendable {
    private let branch: RedisBranch
    private let plan: PagePlan

    /// - Parameter plan: how much one page may bring; less if the client takes no such replies.
    package init(_ redis: RedisClient, plan: PagePlan = PagePlan()) {
        self.plan = plan.fitting(redis.configuration.replyBytesMaximum)
        branch = redis.branch(replyBytesMaximum: self.plan.replyBytes)
    }

    /// A walk through the entries of a stream from one place to its end.
    ///
    /// - Parameter place: where to begin, as for `XRANGE`.
    package func walk(_ stream: String, from place: String) -> StreamWalk {
        StreamWalk(stream, from: place, over: branch, plan: plan)
    }
}

/// Goes through the entries of a stream, as many at a time as the bytes allow.
///
///     place ──▶ next entry ──▶ fits ──▶ its fields
///        ▲        │ none         │ alone too large ──▶ its size and its label
///        │        ▼              └ no room left ──▶ the next page begins with it
///        │     the end
///        └── too much: a smaller page from the same place
///
/// Redis has to look at an entry to know how large it is, and what it looks at counts: so a page
/// costs it one entry more than the bytes allow, and never two.
package struct StreamWalk: Sendable {
    /// What stands in one place.
    package enum Found: Sendable {
        case entry(RedisStreamEntry)
        /// One that is larger than may be read.
        case tooLarge(id: String, bytes: Int, label: EntryLabel)

        package var id: String {
            switch self {
            case .entry(let entry): entry.id
            case .tooLarge(let id, _, _): id
            }
        }

        package var label: EntryLabel {
            switch self {
            case .entry(let entry): EntryLabel(entry)
            case .tooLarge(_, _, let label): label
            }
        }
    }

    /// What one read brought.
    package struct Page: Sendable {
        /// In the order of the stream.
        package var found: [Found] = []
        /// Bytes of all that was brought.
        package var bytes = 0
    }

    private let stream: String
    private let branch: RedisBranch
    private var plan: PagePlan
    private var place: String
    private var isAtEnd = false

    package init(
        _ stream: String, from place: String, over branch: RedisBranch, plan: PagePlan
    ) {
        self.stream = stream
        self.branch = branch
        self.plan = plan
        self.place = place
    }

    /// The next entries; nil once there were no more.
    ///
    /// - Throws: what Redis answers; that it does not answer, once less cannot be asked for.
    package mutating func next() async throws(RedisError) -> Page? {
        while !isAtEnd {
            do {
                let page = try take(try await read())
                if !page.found.isEmpty { return page }
            } catch {
                guard error.isTooMuch, plan.wasTooMuch() else { throw error }
            }
        }
        return nil
    }

    private func read() async throws(RedisError) -> RedisValue {
        try await branch.evaluate(
            Self.script, keys: [stream],
            arguments: [
                .string(place), .integer(plan.count), .integer(plan.bytes),
                .integer(plan.entryBytes),
            ])
    }

    private mutating func take(_ reply: RedisValue) throws(RedisError) -> Page {
        plan.came()
        var page = Page()
        page.bytes = reply[1]?.integer ?? 0
        for element in try reply.requireArray().dropFirst(2) {
            page.found.append(try Self.found(element))
        }
        isAtEnd = reply[0]?.integer == 1
        if let last = page.found.last { place = "(" + last.id }
        return page
    }

    private static func found(_ element: RedisValue) throws(RedisError) -> Found {
        guard let id = element[0]?.string, let bytes = element[1]?.integer else {
            return .entry(try element.streamEntry())
        }
        let label = EntryLabel(
            type: element[2]?.string, id: element[3]?.string, correlationID: element[4]?.string)
        return .tooLarge(id: id, bytes: bytes, label: label)
    }

    // KEYS stream
    // ARGV where to begin; entries, bytes, bytes of one entry
    //
    // What Redis writes around each field counts, too: else there could be any number of short
    // ones.
    static let script = RedisScript(
        """
        #!lua flags=no-writes
        \(EntryLabel.script)
        local place, count, left, most = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
        local found, sum = {0, 0}, 0
        for at = 3, count + 2 do
            local entry = redis.call('XRANGE', KEYS[1], place, '+', 'COUNT', 1)[1]
            if not entry then
                found[1] = 1
                break
            end
            local id, fields = entry[1], entry[2]
            local bytes = weigh(fields)
            local weight = bytes + 16 * #fields
            if weight > most then
                found[at] = {id, bytes, label(fields)}
            else
                if weight > left and at > 3 then break end
                found[at], sum = {id, fields}, sum + bytes
            end
            left, place = left - weight, '(' .. id
            if left < 0 then break end
        end
        found[2] = sum
        return found
        """)
}
