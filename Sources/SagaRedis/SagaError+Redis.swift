import Saga
import TroupeRedis

extension SagaError {
    /// What a failed call to our own Redis means to a saga.
    ///
    /// Whatever it answers says something about itself and may be over soon, unless it proves
    /// that the data is at fault: its user had no right to a command for a while, or it was
    /// full, a replica, or of a version that words its errors in a way of its own. What an ended
    /// epoch was about is not called again but read again, if it is still there.
    init(_ error: RedisError) {
        let code: Code =
            switch error.outcome {
            case .notSent where error.code == .closed: .stopped
            case .notSent where error.code == .epochOver: .epochOver
            case .notSent: .unavailable
            case .unknown: .outcomeUnknown
            case .answered: error.provesDataAtFault ? .unexpectedState : .unavailable
            }
        let canHelp = code == .unavailable || code == .outcomeUnknown
        self.init(
            code, "Redis: \(error.code)", retry: canHelp ? .later : .never, cause: error)
        if error.outcome == .answered { answer = error.message }
    }
}

extension RedisClient {
    /// Sends a command that only reads: without an answer, nothing happened.
    func read(_ command: RedisCommand) async throws(SagaError) -> RedisValue {
        try await reading { () throws(RedisError) in try await send(command) }
    }

    /// Runs a script that leaves everything as it was: without an answer, nothing happened.
    func look(
        _ script: RedisScript, at key: String, _ arguments: RedisArgument...
    ) async throws(SagaError) -> RedisValue {
        try await look(script, at: key, arguments)
    }

    /// The same with arguments that are made elsewhere.
    func look(
        _ script: RedisScript, at key: String, _ arguments: [RedisArgument]
    ) async throws(SagaError) -> RedisValue {
        try await reading { () throws(RedisError) in
            try await evaluate(script, keys: [key], arguments: arguments)
        }
    }

    /// The same of what belongs to somebody else and may be hidden from this user for ever: then
    /// the error is not retried.
    func readIfAllowed<Value>(
        _ read: () async throws(SagaError) -> Value
    ) async throws(SagaError) -> Value {
        do {
            return try await read()
        } catch {
            var error = error
            if let cause = error.cause as? RedisError, cause.code == .server("NOPERM") {
                error.retry = .never
            }
            throw error
        }
    }

    private func reading(
        _ call: () async throws(RedisError) -> RedisValue
    ) async throws(SagaError) -> RedisValue {
        do {
            return try await call()
        } catch {
            var error = SagaError(error)
            if error.code == .outcomeUnknown { error.code = .unavailable }
            throw error
        }
    }

    /// Sends a command that writes.
    ///
    /// - Parameter epoch: the only one in which it may be sent; any unless given.
    func write(
        _ command: RedisCommand, in epoch: RedisEpoch? = nil
    ) async throws(SagaError) -> RedisValue {
        do {
            return try await send(command, in: epoch)
        } catch {
            throw SagaError(error)
        }
    }
}

/// Reads what a reply holds, or says that it is not what Redis promises.
func decoding<Value>(
    _ decode: () throws(RedisError) -> Value
) throws(SagaError) -> Value {
    do {
        return try decode()
    } catch {
        throw SagaError(error)
    }
}
