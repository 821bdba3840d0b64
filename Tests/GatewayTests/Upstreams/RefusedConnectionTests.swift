import Gateway
import NIOCore
import Testing

@Suite(.timeLimit(.minutes(1)))
struct RefusedConnectionTests {
    /// Three connections are up when the server stops to take more.
    @Test(arguments: [1, 2])
    func aRefusedConnectionFailsItsOwnCallAtMost(_ attempts: Int) async throws {
        let (gate, opening) = AsyncStream.makeStream(of: Void.self)
        let origin = try await OriginServer.start { _ in
            for await _ in gate { break }
            return .init()
        }
        let yaml = """
            upstreams:
              shop:
                targets: ["http://127.0.0.1:\(origin.port)"]
                connections: 4
                timeout: 60s
                retry: {attempts: \(attempts)}
            routes: [{name: act, path: "/r/{id}", methods: [POST], upstream: shop, timeout: 60s}]
            """
        try await GatewayUnderTest.with(yaml) { port, _ in
            var clients: [CountingConnection] = []
            for index in 1...40 {
                let client = try await CountingConnection(port: port)
                clients.append(client)
                try await client.send(
                    "POST /r/\(index) HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
                guard index <= 3 else { continue }
                await until { origin.count >= index }
                if index == 3 { await origin.stop() }
            }
            // Nothing else can be answered yet.
            if attempts == 1 { #expect(try await clients[3].answer().status == 503) }
            opening.finish()
            var statuses: [Int] = []
            for (index, client) in clients.enumerated() where attempts > 1 || index != 3 {
                statuses.append(try await client.answer().status)
            }

            // On a slow machine another connection may be tried now and then.
            let refused = statuses.filter { $0 != 200 }.count
            #expect(attempts > 1 ? refused == 0 : refused < 6, "\(statuses)")
        }
    }

    @Test func whoWaitsIsServedWhenTheServerTakesConnectionsAgain() async throws {
        let answer = ByteBuffer(string: "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        let origin = try await RawOrigin.start { _ in nil }
        let yaml = """
            upstreams:
              shop:
                targets: ["http://127.0.0.1:\(origin.port)"]
                connections: 2
                timeout: 60s
                retry: {attempts: 1}
            routes: [{name: act, path: "/r/{id}", methods: [POST], upstream: shop, timeout: 60s}]
            """
        try await GatewayUnderTest.with(yaml) { port, _ in
            var clients: [CountingConnection] = []
            for index in 0..<3 {
                let client = try await CountingConnection(port: port)
                clients.append(client)
                try await client.send(
                    "POST /r/\(index) HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
                if index == 0 {
                    await until { origin.requests.count == 1 }
                    await origin.stop()
                }
                if index == 1 { #expect(try await client.answer().status == 503) }
            }
            let again = try await RawOrigin.start(port: origin.port) { _ in answer }

            // The first call holds its connection all the time, and no other call comes.
            #expect(try await clients[2].answer().status == 200)
            for client in clients { await client.close() }
            await again.stop()
        }
    }
}
