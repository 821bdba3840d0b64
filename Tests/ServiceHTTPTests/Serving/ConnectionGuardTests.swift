import HTTPTypes
import JSONText
import ServiceHTTP
import Testing

@Suite(.timeLimit(.minutes(1)))
struct ConnectionGuardTests {
    private func router() -> ServiceRouter {
        let router = ServiceRouter(service: "things", logger: .quiet)
        router.get("/ok") { _, _ in .json { $0.set("ok", true) } }
        router.post("/names") { request, context in
            let name = try await request.readJSON(context) { $0.string("name") }
            return .json(.created) { $0.set("name", name) }
        }
        return router
    }

    private func statuses(_ text: String) -> [Substring] {
        text.ranges(of: "HTTP/1.1 ").map { text[$0.upperBound...].prefix(3) }
            .filter { Int($0) != nil }
    }

    @Test(arguments: [
        "nonsense\r\n\r\n", "GET\r\n\r\n", "GET /ok HTTP/9.9\r\n\r\n",
        "GET /ok HTTP/1.1\r\nHost: a\r\nBad Name: 1\r\n\r\n",
        "GET /ok HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nhello",
        "GET /ok HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "GET /ok HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\nhello",
        "GET /ok HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\nhello",
        "GET /ok HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\nhello",
        "GET /ok HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
        "GET /ok HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "GET /ok HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "GET /ok HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "GET /ok HTTP/1.1\r\nHost: a\r\nX: a\r\n folded\r\n\r\n",
        "POST /ok HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET /ok HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
        "GET /ok HTTP/1.1\nHost: a\n\n",
        "GET /o\u{0}k HTTP/1.1\r\nHost: a\r\n\r\n",
        "GET /ok HTTP/1.1\r\nHost: a\r\nX: a\u{0}b\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\r\n\r\n",
    ])
    func whatIsNoRequestGetsAProblemAndTheDoor(text: String) async throws {
        let answer = try await withRunningServer(router()) { port, _ in
            try await WireExchange.exchange(port: port, text)
        }
        #expect(statuses(answer) == ["400"])
        #expect(answer.contains("application/problem+json"))
        #expect(answer.contains(#""code":"malformed_request""#))
    }

    @Test func anAnswerUnderWayIsNotMixedWithTheLastWords() async throws {
        let text = "GET /ok HTTP/1.1\r\nHost: a\r\n\r\nnonsense\r\n\r\n"
        let answer = try await withRunningServer(router()) { port, _ in
            try await WireExchange.exchange(port: port, text)
        }
        #expect(statuses(answer) == ["200", "400"])
        #expect(answer.contains(#"{"ok":true}HTTP/1.1 400"#))
    }

    @Test func headersBeyondTheParsersLimitAreTooLarge() async throws {
        let text =
            "GET /ok HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "a", count: 70_000))\r\n\r\n"
        let answer = try await withRunningServer(router()) { port, _ in
            try await WireExchange.exchange(port: port, text)
        }
        #expect(statuses(answer) == ["431"])
    }

    @Test func pipelinedRequestsAreAnsweredInOrder() async throws {
        let text =
            "GET /ok HTTP/1.1\r\nHost: a\r\n\r\nGET /no HTTP/1.1\r\nHost: a\r\n\r\n"
            + "GET /ok HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        let answer = try await withRunningServer(router()) { port, _ in
            try await WireExchange.exchange(port: port, text)
        }
        #expect(statuses(answer) == ["200", "404", "200"])
    }

    @Test func aTooLargeBodyIsDroppedAndTheConnectionGoesOn() async throws {
        let body = String(repeating: "a", count: 2_000_000)
        let text =
            "POST /names HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
            + "GET /ok HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        let answer = try await withRunningServer(router()) { port, _ in
            try await WireExchange.exchange(port: port, text)
        }
        #expect(statuses(answer) == ["413", "200"])
    }

    @Test func brokenChunksAreAProblem() async throws {
        let text =
            "POST /names HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            + "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"nam\r\nzz\r\n"
        let answer = try await withRunningServer(router()) { port, _ in
            try await WireExchange.exchange(port: port, text)
        }
        #expect(statuses(answer) == ["400"])
    }

    @Test func aBodyThatComesTooSlowlyIsGivenUp() async throws {
        let text =
            "POST /names HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            + "Content-Length: 100\r\n\r\n{\"name\":"
        let answer = try await withRunningServer(
            router(), configure: { $0.requestTimeout = .milliseconds(100) }
        ) { port, _ in
            try await WireExchange.exchange(port: port, text)
        }
        #expect(statuses(answer) == ["408"])
        #expect(answer.contains("request_timeout"))
    }

    @Test(arguments: ["", "GET /ok HT", "GET /ok HTTP/1.1\r\nHost: a\r\nX: "])
    func aHeadThatDoesNotComeIsNotWaitedFor(text: String) async throws {
        let answer = try await withRunningServer(
            router(), configure: { $0.idleTimeout = .milliseconds(100) }
        ) { port, _ in
            try await WireExchange.exchange(port: port, text)
        }
        #expect(answer == "")
    }
}
