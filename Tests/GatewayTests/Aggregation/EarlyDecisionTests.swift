import Gateway
import NIOCore
import NIOHTTP1
import NIOPosix
import Testing
import TroupeRedisTestKit

/// An aggregate is answered as soon as it is decided.
@Suite(.timeLimit(.minutes(3)))
struct EarlyDecisionTests {
    private static func yaml(_ origin: OriginServer) -> String {
        """
        upstreams:
          shop: {targets: ["http://127.0.0.1:\(origin.port)"], timeout: 60s, retry: {attempts: 3}}
        routes:
          - name: details
            path: /orders/{id}/details
            timeout: 60s
            cache: {ttl: 60s, scope: shared}
            aggregate:
              parts:
                order: {upstream: shop, path: "/orders/{id}"}
                payment: {upstream: shop, path: "/payments/{id}"}
                note: {upstream: shop, path: "/notes/{id}", on_error: omit}
        """
    }

    @Test func aRequiredPartThatFailedIsNotKeptWaiting() async throws {
        let (never, end) = AsyncStream.makeStream(of: Void.self)
        let origin = try await OriginServer.start { request in
            if request.target == "/orders/1" { return .init(status: 404) }
            for await _ in never {}
            return .init()
        }
        try await GatewayUnderTest.with(Self.yaml(origin)) { port, _ in
            let start = ContinuousClock.now
            let answer = try await RawConnection(port: port).get("/orders/1/details")

            #expect(answer.status == 404)
            #expect(answer.body.contains("order_not_found"))
            #expect(ContinuousClock.now - start < .seconds(30), "the others would take 60")
        }
        end.finish()
        await origin.stop()
    }

    @Test func theFirstRequiredPartOfThePlanDecidesWhicheverFailsFirst() async throws {
        let (paid, pay) = AsyncStream.makeStream(of: Void.self)
        let (never, end) = AsyncStream.makeStream(of: Void.self)
        let origin = try await OriginServer.start { request in
            switch request.target {
            case "/payments/1":
                pay.finish()
                return .init(status: 403)
            case "/orders/1":
                for await _ in paid {}
                return .init(status: 410)
            default:
                for await _ in never {}
                return .init()
            }
        }
        try await GatewayUnderTest.with(Self.yaml(origin)) { port, _ in
            let answer = try await RawConnection(port: port).get("/orders/1/details")

            #expect(answer.status == 410)
        }
        end.finish()
        await origin.stop()
    }

    @Test func callsThatNobodyWaitsForEndWithTheirConnection() async throws {
        let silent = try await SilentServer.start()
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        var upstream = UpstreamConfiguration(
            name: "shop", targets: [UpstreamTarget(host: "127.0.0.1", port: silent.port)])
        upstream.perTryTimeout = .seconds(60)
        upstream.timeout = .seconds(120)
        let upstreams = UpstreamDirectory(
            [upstream], eventLoops: [loop],
            logger: .silent)
        let send = { @Sendable () async -> UpstreamFailure.Kind? in
            do throws(UpstreamFailure) {
                _ = try await upstreams.send(
                    UpstreamRequest(method: .get, path: "/"), to: "shop", on: loop)
                return nil
            } catch {
                return error.kind
            }
        }
        let call = Task { await send() }
        _ = await silent.accepted.first { _ in true }

        call.cancel()

        #expect(await call.value == .cancelled)
        _ = await silent.closed.first { _ in true }
        let late = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return await send()
        }
        #expect(await late.value == .cancelled)
        upstreams.stop()
        await silent.stop()
    }
}

/// Takes connections and requests, says nothing, and tells when a client is gone.
private struct SilentServer {
    let accepted: AsyncStream<Void>
    let closed: AsyncStream<Void>
    private let channel: any Channel

    var port: Int { channel.localAddress?.port ?? 0 }

    private final class Listener: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        let accepted: AsyncStream<Void>.Continuation
        let closed: AsyncStream<Void>.Continuation

        init(
            _ accepted: AsyncStream<Void>.Continuation, _ closed: AsyncStream<Void>.Continuation
        ) {
            self.accepted = accepted
            self.closed = closed
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) { accepted.yield() }
        func channelInactive(context: ChannelHandlerContext) { closed.yield() }
    }

    static func start() async throws -> SilentServer {
        let (accepted, accept) = AsyncStream.makeStream(of: Void.self)
        let (closed, close) = AsyncStream.makeStream(of: Void.self)
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Listener(accept, close))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return SilentServer(accepted: accepted, closed: closed, channel: channel)
    }

    func stop() async { try? await channel.close() }
}
