import Redis
import Saga

extension SagaError {
    /// What a failed call to Redis means to a saga.
    init(_ error: RedisError) {
        let code: Code =
            switch (error.outcome, error.retry) {
            case (.notSent, .never) where error.code == .closed: .stopped
            case (.notSent, _): .unavailable
            case (.unknown, _): .outcomeUnknown
            case (.answered, .later), (.answered, .ifIdempotent): .unavailable
            case (.answered, .never): .unexpectedState
            }
        let canHelp = code == .unavailable || code == .outcomeUnknown
        self.init(
            code, "Redis: \(error.code)", retry: canHelp ? .later : .never, cause: error)
    }
}

extension RedisClient {
    /// Sends a command that only reads: without an answer, nothing happened.
    func read(_ command: RedisCommand) async throws(SagaError) -> RedisValue {
        do {
            return try await send(command)
        } catch {
            var error = SagaError(error)
            if error.code == .outcomeUnknown { error.code = .unavailable }
            throw error
        }
    }

    /// Sends a command that writes.
    func write(_ command: RedisCommand) async throws(SagaError) -> RedisValue {
        do {
            return try await send(command)
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
