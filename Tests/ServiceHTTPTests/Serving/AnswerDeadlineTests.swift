import HTTPTypes
import NIOCore
import NIOEmbedded
import NIOHTTPTypes
import Testing

@testable import ServiceHTTP

@Suite(.timeLimit(.minutes(1)))
struct AnswerDeadlineTests {
    private func connection() throws -> EmbeddedChannel {
        var limits = ServiceServerConfiguration(port: 0)
        limits.idleTimeout = .seconds(60)
        limits.requestTimeout = .seconds(20)
        let channel = EmbeddedChannel(handler: ConnectionGuard(limits: limits))
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        return channel
    }

    private func ask(_ channel: EmbeddedChannel) throws {
        let head = HTTPRequest(method: .get, scheme: "http", authority: "a", path: "/")
        try channel.writeInbound(HTTPRequestPart.head(head))
        try channel.writeInbound(HTTPRequestPart.end(nil))
    }

    private func answer(_ channel: EmbeddedChannel) {
        channel.write(HTTPResponsePart.head(HTTPResponse(status: .ok)), promise: nil)
        channel.write(HTTPResponsePart.end(nil), promise: nil)
    }

    @Test func aClientThatLeavesItsAnswerLyingIsLetGo() throws {
        let channel = try connection()
        try ask(channel)
        answer(channel)

        channel.embeddedEventLoop.advanceTime(by: .seconds(59))
        #expect(channel.isActive)
        channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        #expect(!channel.isActive)
    }

    @Test func aClientThatTakesItsAnswerMayStay() throws {
        let channel = try connection()
        for _ in 0..<3 {
            try ask(channel)
            answer(channel)
            channel.flush()
        }

        channel.embeddedEventLoop.advanceTime(by: .hours(1))
        #expect(channel.isActive)
        _ = try channel.finish(acceptAlreadyClosed: true)
    }

    @Test func anAnswerMayTakeAsLongAsItTakes() throws {
        let channel = try connection()
        try ask(channel)

        channel.embeddedEventLoop.advanceTime(by: .hours(1))
        #expect(channel.isActive)
        _ = try channel.finish(acceptAlreadyClosed: true)
    }
}
