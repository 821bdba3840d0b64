import NIOCore
import NIOEmbedded
import Testing
import TroupeRedisTestKit

@testable import Gateway

/// Time limits of a connection, at times of the test's own.
@Suite(.timeLimit(.minutes(1)))
struct ConnectionSweepTests {
    private static func connection(
        _ channel: EmbeddedChannel
    ) throws -> (ConnectionHandler, ServerConfiguration) {
        let yaml = """
            server: {timeouts: {idle: 10s, write: 5s}}
            upstreams: {shop: {targets: ["http://127.0.0.1:1"]}}
            routes: [{name: act, path: "/{id}", upstream: shop}]
            """
        let configuration = try GatewayConfiguration(yaml: yaml, file: "test.yaml")
        let phases = try RequestPhases(
            configuration, cache: ResponseCache(configuration: configuration.cache),
            upstreams: UpstreamDirectory([], eventLoops: [], logger: .silent), logger: .silent)
        let group = ConnectionGroup(
            phases, configuration.server, StopNotice(), tasks: TaskTally(),
            unsent: UnsentLedger(limit: 1, loops: 1), place: 0, eventLoop: channel.eventLoop)
        let handler = ConnectionHandler(group, ConnectionIdentity(channel))
        try channel.pipeline.syncOperations.addHandler(handler)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        return (handler, configuration.server)
    }

    @Test func aWaitDoesNotCountForALaterOne() throws {
        let channel = EmbeddedChannel()
        let (handler, limits) = try Self.connection(channel)
        var now = Moment.now() + limits.idleTimeout + .seconds(1)
        // Handed on and not taken.
        channel.write(ByteBuffer(string: "12345"), promise: nil)
        handler.sweep(now)
        #expect(channel.isActive)

        // The client takes some and is sent as much again, and takes its time again.
        now = now + limits.writeTimeout + .seconds(1)
        channel.isWritable = false
        channel.pipeline.fireChannelWritabilityChanged()
        handler.sweep(now)
        #expect(channel.isActive)
        handler.sweep(now + limits.writeTimeout + .seconds(1))
        #expect(!channel.isActive)
    }

    @Test func anIdleTimeDoesNotCountForALaterOne() throws {
        let channel = EmbeddedChannel()
        let (handler, limits) = try Self.connection(channel)
        let idle = Moment.now() + limits.idleTimeout + .seconds(1)
        channel.write(ByteBuffer(string: "12345"), promise: nil)
        handler.sweep(idle)
        // Something was asked and answered meanwhile.
        handler.sweep(.now())
        handler.sweep(idle + limits.writeTimeout + .seconds(1))
        #expect(channel.isActive)
        handler.sweep(idle + limits.writeTimeout * 3)
        #expect(!channel.isActive)
    }

    @Test func aClientIsAskedOnceItsOwnRequestTakesLong() {
        let ended = Moment.now()
        let question = PresenceQuestion(inputEnded: ended, asked: ended + .seconds(5))

        #expect(!question.isDue(ended + .seconds(5), minorVersion: 1))
        #expect(question.isDue(ended + .seconds(6), minorVersion: 1))
        #expect(!question.isDue(ended + .seconds(60), minorVersion: 0))
    }
}
