import Saga
import TroupeRedis

/// Which servers can be used: those whose errors inside a script say what they are.
enum ServerVersion {
    static let minimum = (7, 0)

    /// Throws `invalidConfiguration` if the server says that it is older.
    ///
    /// Who may not ask is believed to know what he connects to.
    static func check(_ redis: RedisClient) async throws(SagaError) {
        let version: String?
        do {
            version = try await redis.send(.info("server")).infoFields()["redis_version"]
        } catch {
            if error.outcome == .answered { return }
            throw SagaError(error)
        }
        guard let version, isTooOld(version) else { return }
        throw SagaError(
            .invalidConfiguration,
            "Redis \(version) is too old; install Redis 7.0 or newer, or Valkey")
    }

    static func isTooOld(_ version: String) -> Bool {
        let numbers = version.split(separator: ".").compactMap { Int($0) }
        guard let first = numbers.first else { return false }
        return (first, numbers.count > 1 ? numbers[1] : 0) < minimum
    }
}
