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
        ///
        /// It bears its ID, whatever the participant knows it by.
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
    private static let pageBytes = 16_777_216
    /// How many ledgers are looked at at once.
    private static let ledgersMaximum = 256

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
            let asked = LetterPage.arguments(
                from: place, to: "+", atMost: Self.pageSize, bytes: Self.pageBytes)
            let page = LetterPage(
                try await redis.look(LetterPage.script, at: names.dead(service), asked),
                atMost: Self.pageSize, bytes: Self.pageBytes)
            for letter in page.letters {
                letters.byReason[letter.reason.isEmpty ? "unknown" : letter.reason, default: 0] += 1
            }
            guard let next = page.next else { return letters }
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
        if let since = look.oldest, let name = reply[4]?.string {
            blocked.oldest = (try await naming(of: service).sagaID(of: name), since)
        }
        return blocked
    }

    /// How a participant names sagas, as the replica of it declares that was started last.
    private func naming(of service: String) async throws(SagaError) -> SagaNaming {
        let declared = try await redis.read(
            RedisCommand(
                "HMGET", [.string(names.declared(service)), "route"], isReadOnly: true))
        return SagaNaming(Declaration.routes(in: declared[0]?.string ?? ""))
    }

    /// Those of some sagas of a route in whose ledger a participant has noted nothing of a step.
    package func unknown(
        _ sagas: [String], of route: String, to service: String, step: String
    ) async throws(SagaError) -> [String] {
        let naming = try await naming(of: service)
        var unknown: [String] = []
        for start in stride(from: 0, to: sagas.count, by: Self.ledgersMaximum) {
            let some = sagas[start...].prefix(Self.ledgersMaximum)
            let questions = some.map { saga in
                let key = names.ledger(
                    named: naming.name(saga, on: route), by: naming, service: service)
                return RedisCommand("HMGET", [.string(key), .string(step)], isReadOnly: true)
            }
            let replies: [Result<RedisValue, RedisError>]
            do {
                replies = try await redis.send(batch: questions)
            } catch {
                throw SagaError(error)
            }
            for (saga, reply) in zip(some, replies) {
                let noted = try decoding { () throws(RedisError) in try reply.get() }
                if noted[0]?.string == nil { unknown.append(saga) }
            }
        }
        return unknown
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
}
