import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import ServiceHTTP
import Testing

@Suite(.timeLimit(.minutes(1)))
struct JSONClientTests {
    private struct Sent: Encodable, Sendable {
        var amount: Int
    }

    @Test func postCarriesKeyAndBody() async throws {
        try await withEcho { client in
            let answer = try await client.post("/echo", Sent(amount: 7), idempotencyKey: "k:1")
            #expect(answer.status == 201)
            #expect(String(buffer: answer.body) == #"{"key":"k:1","body":"{\"amount\":7}"}"#)
        }
    }

    @Test func anyStatusIsAnAnswer() async throws {
        try await withEcho { client in
            let answer = try await client.get("/nothing")
            #expect(answer.status == 404)
            #expect(answer.problem?.code == "not_found")
        }
    }

    @Test func silenceIsNoAnswerAfterTheTimeOut() async throws {
        try await withEcho { client in
            let start = ContinuousClock.now
            await #expect { try await client.get("/silent") } throws: { error in
                (error as? CallError)?.code == .noAnswer
            }
            #expect(ContinuousClock.now - start < .seconds(3))
        }
    }

    @Test func nobodyListeningIsNoAnswer() async throws {
        let client = JSONClient(baseURL: "http://127.0.0.1:1")
        await #expect { try await client.get("/") } throws: { error in
            (error as? CallError)?.code == .noAnswer
        }
        await client.shutdown()
    }

    @Test func whatIsNotAsAgreedIsUnreadable() async throws {
        let answer = JSONAnswer(status: 200, body: ByteBuffer(string: "x"))
        #expect(answer.problem == nil)
        #expect { try answer.decode(Int.self) } throws: { error in
            (error as? CallError)?.code == .unreadable
        }
    }

    private func withEcho(_ body: (JSONClient) async throws -> Void) async throws {
        let logger = Logger(label: "echo") { _ in SwiftLogNoOpLogHandler() }
        let router = ServiceRouter(service: "echo", logger: logger)
        router.post("/echo") { request, context in
            let document = try await request.jsonDocument(context)
            let key = try request.idempotencyKey()
            return .json(.created) { json in
                json.set("key", key)
                json.set("body", String(decoding: document.bytes, as: UTF8.self))
            }
        }
        router.get("/silent") { _, _ in
            try await Task.sleep(for: .seconds(30))
            return .json { _ in }
        }
        let server = ServiceServer(
            name: "echo", configuration: ServiceServerConfiguration(port: 0), router: router,
            logger: logger)
        let running = Task { try await server.run() }
        let client = JSONClient(
            baseURL: "http://127.0.0.1:\(try await server.boundPort.value)",
            timeout: .milliseconds(300))
        try await body(client)
        await client.shutdown()
        running.cancel()
    }
}
