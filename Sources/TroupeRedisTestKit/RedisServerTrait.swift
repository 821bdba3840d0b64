public import Testing

/// Starts a real `redis-server` for a suite and stops it when the suite has ended.
///
/// ```swift
/// @Suite(.redisServer, .timeLimit(.minutes(1)))
/// struct StoreTests {
///     @Test func remembers() async throws {
///         let redis = try RedisServer.current.client()
///         …
///     }
/// }
/// ```
public struct RedisServerTrait: SuiteTrait, TestScoping {
    let options: RedisServer.Options

    /// Runs the suite with its server as `RedisServer.current`.
    public func provideScope(
        for test: Test, testCase: Test.Case?,
        performing function: @Sendable () async throws -> Void
    ) async throws {
        let server = try await RedisServer.launch(options)
        do {
            try await RedisServer.$running.withValue(server) { try await function() }
        } catch {
            await server.stop()
            throw error
        }
        await server.stop()
    }
}

extension Trait where Self == RedisServerTrait {
    /// A server without persistence.
    public static var redisServer: RedisServerTrait { redisServer(RedisServer.Options()) }

    /// A server with these options.
    public static func redisServer(_ options: RedisServer.Options) -> RedisServerTrait {
        RedisServerTrait(options: options)
    }
}
