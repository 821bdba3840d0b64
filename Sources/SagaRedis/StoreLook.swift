import EventStreams
package import Saga
import Timekeeping
package import TroupeRedis

/// What a participant's data in Redis says of it to who only looks: it reads, and writes nothing.
///
/// By commands that a user has who may watch, and by those of a service.
package struct StoreLook: Sendable {
    /// Dead letters, by why there are any.
    package struct Letters: Sendable {
        package var byReason: [String: Int] = [:]
        /// Whether there are more than were looked at.
        package var isCut = false

        package init() {}
    }

    /// Sagas that make no progress.
    package struct Blocked: Sendable {
        package var byState: [BlockedState: Int] = [:]
        /// The one that has made none for longest, and since when in milliseconds since 1970.
        package var oldest: (saga: String, since: Int64)?
        /// The store's own time.
        package var now: Int64 = 0

        package init() {}
    }

    /// A group that keeps what is older than it need be.
    package struct Forgotten: Hashable, Sendable {
        package var stream: String
        package var group: String

        package init(stream: String, group: String) {
            self.stream = stream
            self.group = group
        }
    }

    /// Some thousand letters; a service whose letters are more has another problem.
    private static let pagesMaximum = 100
    private static let pageSize = 100

    private let redis: RedisClient
    private let names: SagaKeys

    package init(_ redis: RedisClient, _ names: SagaKeys) {
        self.redis = redis
        self.names = names
    }

    /// Why a participant has put events aside, and how often.
    package func letters(of service: String) async throws(SagaError) -> Letters {
        var letters = Letters()
        var place = "-"
        for _ in 0..<Self.pagesMaximum {
            let reply = try await redis.look(
                Self.reasons, at: names.dead(service), .string(place), .integer(Self.pageSize))
            let words = reply.array?.map { $0.string ?? "" } ?? []
            for reason in words.dropFirst() { letters.byReason[reason, default: 0] += 1 }
            guard let next = words.first, !next.isEmpty else { return letters }
            place = next
        }
        letters.isCut = true
        return letters
    }

    /// Which of a participant's sagas make no progress.
    package func blocked(at service: String) async throws(SagaError) -> Blocked {
        let reply: RedisValue
        do {
            // Who takes none only looks.
            reply = try await redis.evaluate(
                DebtScripts.take,
                keys: [names.open(service), names.blocked(service), names.asks(service)],
                arguments: [0, 0])
        } catch {
            throw SagaError(error)
        }
        let look = DueDebts(reply)
        var blocked = Blocked()
        for state in BlockedState.allCases { blocked.byState[state] = look.blocked(state) }
        blocked.now = look.now
        blocked.oldest = look.oldest.flatMap { since in
            reply[4]?.string.map { (saga: $0, since: since) }
        }
        return blocked
    }

    /// When a participant's data came to be, in milliseconds since 1970; nil if there is none.
    package func born(_ service: String) async throws(SagaError) -> Int64? {
        guard let text = try await redis.read(.get(names.born(service))).string else { return nil }
        return try BirthNote.time(text)
    }

    /// When the oldest event of a stream came, in milliseconds since 1970.
    package func beginning(of stream: String) async throws(SagaError) -> Int64? {
        try await redis.look(StreamEnd.firstEntry, at: stream, "-", "+").string
            .flatMap(StreamID.init).map { Int64(clamping: $0.milliseconds) }
    }

    /// The groups that keep what a stream would else have dropped.
    package func forgotten(
        of stream: String, keeping retention: Duration, at now: Int64
    ) async throws(SagaError) -> [Forgotten] {
        let age = StreamID(milliseconds: UInt64(max(0, now - Int64(retention.milliseconds))))
        let groups = try await GroupState.all(of: stream, redis: redis)
        return try await GroupState.forgotten(groups, on: stream, age: age, redis: redis)
            .map { Forgotten(stream: stream, group: $0) }
    }

    // KEYS dead letters
    // ARGV where to begin, how many
    // → where to go on, or nothing at the end; the reasons
    //
    // One by one, and no more once 16 MB have been looked at: a letter holds its event, which may
    // be large.
    private static let reasons = RedisScript(
        """
        \(EntryLabel.script)
        local page, place, left = {''}, ARGV[1], 16777216
        for _ = 1, ARGV[2] do
            local letter = redis.call('XRANGE', KEYS[1], place, '+', 'COUNT', 1)[1]
            if not letter then return page end
            local reason = 'unknown'
            for at = 1, #letter[2], 2 do
                if letter[2][at] == 'reason' then reason = letter[2][at + 1] end
            end
            page[#page + 1] = reason
            place, left = '(' .. letter[1], left - weigh(letter[2])
            if left < 0 then break end
        end
        page[1] = place
        return page
        """)
}
