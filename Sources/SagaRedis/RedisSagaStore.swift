import Saga
import TroupeRedis

/// One participant's ledgers and records on Redis.
final class RedisSagaStore: SagaStore {
    let redis: RedisClient
    let records: any RecordReader
    private let names: SagaKeys
    private let keys: ServiceKeys
    private let scripts: TransitionScripts
    private let queue: TransitionQueue
    private let ledgerTimeToLive: Duration
    private let epochs: EpochCheck
    private let birth: BirthNote

    /// - Parameters:
    ///   - epochs: those of the transport from whose entries transitions follow.
    ///   - streams: those that the participant consumes.
    ///   - hasOneField: whether a ledger has one field, that of a step or of its saga's life.
    init(
        redis: RedisClient, service: String, names: SagaKeys, ledgerTimeToLive: Duration,
        epochs: EpochCheck? = nil, streams: [String] = [], naming: SagaNaming,
        hasOneField: Bool = false
    ) {
        self.epochs = epochs ?? EpochCheck(redis)
        self.redis = redis
        self.names = names
        birth = BirthNote(redis, names, service: service, streams: streams)
        self.ledgerTimeToLive = ledgerTimeToLive
        keys = ServiceKeys(names, service: service, naming: naming)
        scripts = TransitionScripts(
            names: keys, ledgers: LedgerLife(ledgerTimeToLive, mayGoOn: !hasOneField))
        queue = TransitionQueue(redis)
        records = RedisRecordReader(redis: redis, keys: names, service: service)
    }

    func apply(
        _ transition: StoreTransition, in epoch: StoreEpoch?
    ) async throws(SagaError) -> TransitionAnswer {
        let request = request(transition)
        if let fault = request.fault {
            throw SagaError(.unexpectedState, "the changes cannot be made: \(fault)")
        }
        if epoch != nil, epochs.isDue { await epochs.run() }
        return try request.answer(try await queue.run(request, in: epoch.map(RedisEpoch.init)))
    }

    /// The transition as keys and arguments of its script.
    func request(_ transition: StoreTransition) -> TransitionRequest {
        TransitionRequest(transition, names: keys, scripts: scripts)
    }

    // MARK: - Ledgers

    func name(ofLedger sagaID: String) -> String { keys.ledger(sagaID) }

    func ledger(
        of sagaID: String, fields: [String]
    ) async throws(SagaError) -> LedgerLook {
        let replies: [Result<RedisValue, RedisError>]
        do {
            replies = try await redis.send(batch: [question(sagaID, fields), birth.question])
        } catch {
            throw SagaError(error)
        }
        do {
            return try decoding { () throws(RedisError) in
                try LedgerLook(replies[0].get(), fields, born: try born(replies.last))
            }
        } catch {
            // A ledger of another type is nothing that the event could be blamed for.
            guard error.code == .unexpectedState else { throw error }
            throw SagaError(
                .unavailable, "the ledger cannot be read", retry: .later, cause: error)
        }
    }

    func ledgers(of questions: [(sagaID: String, fields: [String])]) async -> [LedgerLook?] {
        let commands = questions.map { question($0.sagaID, $0.fields) } + [birth.question]
        let nothing: [LedgerLook?] = Array(repeating: nil, count: questions.count)
        guard let replies = try? await redis.send(batch: commands) else { return nothing }
        let born: Int64?
        do { born = try self.born(replies.last) } catch { return nothing }
        return zip(questions, replies).map { try? LedgerLook($1.get(), $0.fields, born: born) }
    }

    func born() async throws(SagaError) -> Int64 { try await birth.read() }

    func declare(_ declaration: Declaration) async throws(SagaError) {
        do {
            _ = try await redis.send(
                .hset(
                    names.declared(keys.service),
                    declaration.fields.mapValues { RedisArgument.string($0) }))
        } catch {
            throw SagaError(error)
        }
    }

    /// Nil if it is not noted, or cannot be read.
    private func born(
        _ result: Result<RedisValue, RedisError>?
    ) throws(RedisError) -> Int64? {
        try result?.get().string.flatMap { try? BirthNote.time($0) }
    }

    private func question(_ sagaID: String, _ fields: [String]) -> RedisCommand {
        var words: [RedisArgument] = [.string(keys.ledger(sagaID))]
        words.reserveCapacity(fields.count + 2)
        for field in fields { words.append(.string(field)) }
        words.append(.string(KeyForm.field))
        return RedisCommand("HMGET", words, isReadOnly: true)
    }

    // MARK: - Ends

    func note(_ endings: SagaEndings, in epoch: StoreEpoch?) async throws(SagaError) {
        try await EndScript(redis: redis, keys: keys, life: ledgerTimeToLive).note(
            endings, in: epoch.map(RedisEpoch.init))
    }

    // MARK: - Undoing by books

    func mayUndo(_ key: String, atMost limit: Int) async throws(SagaError) -> Bool {
        do {
            return try await redis.evaluate(
                Self.undoLimit, keys: [names.undone(keys.service)],
                arguments: [.string(key), .integer(limit)]
            ).integer == 1
        } catch {
            throw SagaError(error)
        }
    }

    // KEYS what was undone within the hour; ARGV key, limit → whether this may be too
    private static let undoLimit = RedisScript(
        """
        local now = tonumber(redis.call('TIME')[1])
        for _, old in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - 3600)) do
            redis.call('ZREM', KEYS[1], old)
        end
        if redis.call('ZREVRANK', KEYS[1], ARGV[1]) then return 1 end
        if #redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '+inf') >= tonumber(ARGV[2]) then
            return 0
        end
        redis.call('ZADD', KEYS[1], now, ARGV[1])
        redis.call('EXPIRE', KEYS[1], 3600)
        return 1
        """)

    // MARK: - Dead letters

    func keep(
        _ letter: DeadLetter, _ trace: DeadLetter.Trace?, in epoch: StoreEpoch?
    ) async throws(SagaError) -> [LedgerEntry] {
        try await DeadLetterScript(
            redis: redis, names: names, service: keys.service, naming: keys.naming
        ).keep(
            letter, trace, timeToLive: ledgerTimeToLive, in: epoch.map(RedisEpoch.init))
    }
}

extension LedgerLook {
    /// Reads what Redis holds for some fields, and the form of keys behind them.
    fileprivate convenience init(
        _ reply: RedisValue, _ fields: [String], born: Int64?
    ) throws(RedisError) {
        let texts = try reply.strings()
        let holdsAny = texts.contains { $0 != nil }
        self.init(
            fields: fields,
            entries: holdsAny
                ? texts.prefix(fields.count).map { text in text.map { LedgerEntry($0) } } : [],
            form: KeyForm(rawValue: texts.last.flatMap { $0 } ?? "") ?? .named, born: born)
    }
}

extension RedisEpoch {
    init(_ epoch: StoreEpoch) {
        self.init(epoch.number)
    }
}
