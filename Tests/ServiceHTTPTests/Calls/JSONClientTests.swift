import HTTPTypes
import Hummingbird
import JSONText
import Logging
import NIOCore
import Observability
import ServiceHTTP
import Testing

@Suite(.timeLimit(.minutes(1)))
struct JSONClientTests {
    private struct Sent: Codable, Sendable {
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
        try await withEcho(timeout: .milliseconds(300)) { client in
            let start = ContinuousClock.now
            await #expect { try await client.get("/silent") } throws: { error in
                (error as? CallError)?.code == .noAnswer
            }
            #expect(ContinuousClock.now - start < .seconds(30))
        }
    }

    @Test(arguments: [
        "http://127.0.0.1:1", "http://localhost:1", "http://nobody.invalid", "nowhere",
    ])
    func whatHasNobodyToGoToIsNotSent(_ url: String) async throws {
        let client = JSONClient(baseURL: url)
        await #expect { try await client.get("/") } throws: { error in
            (error as? CallError)?.code == .notSent
        }
        await client.shutdown()
    }

    @Test func whatFindsNoFreeConnectionInTimeIsNotSent() async throws {
        try await withBusyEcho(connectionWait: .milliseconds(50)) { client in
            let (waits, told) = AsyncStream.makeStream(of: Bool.self)
            await #expect {
                try await ConnectionWait.$observer.withValue({ told.yield($0) }) {
                    try await client.get("/nothing")
                }
            } throws: { error in
                (error as? CallError)?.code == .notSent
            }

            told.finish()
            var seen: [Bool] = []
            for await begins in waits { seen.append(begins) }
            #expect(seen == [true, false])
        }
    }

    @Test func cancellationEndsTheWaitForAConnection() async throws {
        try await withBusyEcho(connectionWait: .seconds(3_600)) { client in
            let (waits, told) = AsyncStream.makeStream(of: Bool.self)
            let call = Task {
                try await ConnectionWait.$observer.withValue({ told.yield($0) }) {
                    try await client.get("/nothing")
                }
            }
            for await begins in waits where begins { break }

            call.cancel()

            await #expect { try await call.value } throws: { error in
                (error as? CallError)?.code == .notSent
            }
        }
    }

    /// Three calls of 200 ms each on one connection take longer than the time-out of one.
    @Test func waitingForAConnectionIsNotPartOfTheTimeOut() async throws {
        try await withEcho(
            timeout: .milliseconds(500), connections: 1, connectionWait: .seconds(30)
        ) { client in
            let answers = await withTaskGroup { group in
                for _ in 0..<4 {
                    group.addTask { (try? await client.get("/slow"))?.status }
                }
                return await group.reduce(into: [Int?]()) { $0.append($1) }
            }

            #expect(answers == [200, 200, 200, 200])
        }
    }

    @Test func whatIsNotAsAgreedIsUnreadable() async throws {
        let answer = JSONAnswer(status: 200, body: ByteBuffer(string: "x"))
        #expect(answer.problem == nil)
        #expect { try answer.decode(Int.self) } throws: { error in
            (error as? CallError)?.code == .unreadable
        }
    }

    @Test func callsTellOnWhoseBehalfTheyAre() async throws {
        let trace = TraceContext()
        try await withEcho { client in
            let origin = CallOrigin(trace: trace, requestID: RequestName(accepting: "r-1"))
            let sent = try await CallOrigin.$current.withValue(origin) {
                try await client.get("/origin").decode(Origin.self)
            }
            #expect(sent.name == "r-1")
            #expect(sent.trace == trace.traceID)

            let another = try await client.get("/origin").decode(Origin.self)
            #expect(another.name != "r-1")
            #expect(another.trace != trace.traceID)
        }
    }

    /// What a route can tell of the request that it answers.
    private struct Origin: Decodable {
        var name: String
        var trace: String
    }

    @Test(arguments: [
        (201, #"{"amount":7}"#, "accepted 7"),
        (402, #"{"code":"declined","detail":"no"}"#, "refused declined no"),
        (402, "nonsense", "refused - -"),
        (400, #"{"code":"unknown_card","detail":"no"}"#, "refused - no"),
        (400, #"{"code":"invalid_request"}"#, "unexpected"),
        (422, #"{"code":"too_far"}"#, "refused too_far -"),
        (422, #"{"code":"key_reused"}"#, "unexpected"), (422, "{}", "unexpected"),
        (201, "nonsense", "unreadable"), (302, "{}", "unexpected"), (408, "{}", "unexpected"),
        (401, #"{"code":"wrong_key"}"#, "unexpected"), (403, "{}", "unexpected"),
        (404, "{}", "unexpected"), (409, #"{"code":"key_in_use"}"#, "unexpected"),
        (429, "{}", "unexpected"), (503, "{}", "unexpected"),
    ])
    func submissionIsAcceptedRefusedOrUnknown(
        _ status: Int, _ json: String, _ meaning: String
    ) async throws {
        let refusals: Set<DocumentedRefusal> = [
            .status(402), .status(400, codes: ["unknown_card"]),
            .status(422, codes: ["too_far"]),
        ]
        try await withEcho(answering: status, json) { client in
            let found: String
            do throws(CallError) {
                switch try await client.submit(
                    "/scripted", Sent(amount: 7), idempotencyKey: "k",
                    refusals: refusals, for: Sent.self)
                {
                case .accepted(let answer): found = "accepted \(answer.amount)"
                case .refused(let refusal):
                    found = "refused \(refusal.reason ?? "-") \(refusal.detail ?? "-")"
                }
            } catch {
                found = error.code.description
            }
            #expect(found == meaning)

            // What must be done in the end cannot be refused.
            let insisted = try? await client.insist(
                "/scripted", Sent(amount: 7), idempotencyKey: "k", for: Sent.self)
            #expect((insisted != nil) == meaning.hasPrefix("accepted"))
        }
    }

    /// Its only connection is in use.
    private func withBusyEcho(
        connectionWait: Duration, _ body: (JSONClient) async throws -> Void
    ) async throws {
        let (calls, called) = AsyncStream.makeStream(of: Void.self)
        try await withEcho(
            connections: 1, connectionWait: connectionWait, onSilent: { called.yield() }
        ) { client in
            let silent = Task { try? await client.get("/silent") }
            for await _ in calls { break }
            try await body(client)
            silent.cancel()
            _ = await silent.value
        }
    }

    private func withEcho(
        answering status: Int = 200, _ json: String = "{}", timeout: Duration = .seconds(20),
        connections: Int = 64, connectionWait: Duration? = nil,
        onSilent: @escaping @Sendable () -> Void = {},
        _ body: (JSONClient) async throws -> Void
    ) async throws {
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
        router.post("/scripted") { _, _ in
            .json(HTTPResponse.Status(code: status), text: Array(json.utf8))
        }
        router.get("/origin") { _, _ in
            .json { json in
                json.set("name", CallOrigin.current?.requestID?.description)
                json.set("trace", CallOrigin.current?.trace.traceID)
            }
        }
        router.get("/slow") { _, _ in
            try await Task.sleep(for: .milliseconds(200))
            return .json { _ in }
        }
        router.get("/silent") { _, _ in
            onSilent()
            try await Task.sleep(for: .seconds(3_600))
            return .json { _ in }
        }
        let server = ServiceServer(
            name: "echo", configuration: ServiceServerConfiguration(port: 0), router: router,
            logger: logger)
        let running = Task { try await server.run() }
        let client = JSONClient(
            baseURL: "http://127.0.0.1:\(try await server.boundPort.value)",
            timeout: timeout, connections: connections, connectionWait: connectionWait)
        try await body(client)
        await client.shutdown()
        running.cancel()
    }
}
