import Logging
import NIOCore
import NIOPosix
import Testing
import TroupeRedisTestKit

@testable import TroupeRedis

/// Whoever cannot connect is told why, and nothing that would give the place away.
@Suite(.timeLimit(.minutes(2)))
struct ConnectFailureTests {
    private func failure(_ configuration: RedisConfiguration) async -> RedisError? {
        var configuration = configuration
        configuration.connectTimeout = .milliseconds(400)
        configuration.disconnectedWait = .milliseconds(50)
        let redis = RedisClient(configuration, logger: Logger(label: "test"))
        let error = await #expect(throws: RedisError.self) {
            try await redis.send(.ping, timeout: .milliseconds(800))
        }
        await redis.shutdown()
        return error
    }

    private func at(_ address: RedisConfiguration.Address) -> RedisConfiguration {
        var configuration = RedisConfiguration()
        configuration.address = address
        return configuration
    }

    @Test func aPortWithoutAListenerIsToldFromOneThatSaysNothing() async throws {
        // Not one that another test gets as soon as this one has given it up.
        let port = try FreePort.find()
        let refused = await failure(at(.tcp(host: "127.0.0.1", port: port)))

        #expect(refused?.message == "Redis cannot be reached: nobody listens there")
        #expect(refused?.isSilence == false)
    }

    @Test func aListenerThatSaysNothingIsSilence() async throws {
        let listener = try await SilentListener()
        let mute = await failure(at(.tcp(host: "127.0.0.1", port: listener.port)))

        #expect(mute?.code == .connectionLost)
        #expect(mute?.isSilence == true, "\(mute as Any)")
        await listener.stop()
    }

    @Test func aSocketThatDoesNotExistIsNamedAsSuch() async throws {
        let missing = await failure(at(.unix(path: "/nonexistent/redis.sock")))

        #expect(missing?.message == "Redis cannot be reached: the socket's path does not exist")
        #expect(missing?.message.contains("nonexistent") == false)
    }

    @Test func aPeerThatSpeaksNoTLSIsToldAsOne() async throws {
        let server = try await SilentListener(greeting: "-ERR unknown command\r\n")
        var configuration = at(.tcp(host: "127.0.0.1", port: server.port))
        configuration.tls = RedisConfiguration.TLS()
        let plain = await failure(configuration)

        #expect(plain?.concernsTLS == true, "\(plain as Any)")
        #expect(
            plain?.message
                == "Redis cannot be reached: the TLS handshake failed; does it speak TLS?")
        await server.stop()
    }
}

/// Takes connections, says at most its greeting, and never hears anything.
private final class SilentListener: Sendable {
    private let channel: any Channel
    let port: Int

    init(greeting: String = "") async throws {
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                guard !greeting.isEmpty else { return channel.eventLoop.makeSucceededVoidFuture() }
                return channel.pipeline.addHandler(Greeter(greeting))
            }
            .bind(host: "127.0.0.1", port: 0).get()
        port = channel.localAddress?.port ?? 0
    }

    func stop() async { try? await channel.close() }
}

private final class Greeter: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer
    private let text: String

    init(_ text: String) {
        self.text = text
    }

    func channelActive(context: ChannelHandlerContext) {
        context.writeAndFlush(NIOAny(ByteBuffer(string: text)), promise: nil)
    }
}
