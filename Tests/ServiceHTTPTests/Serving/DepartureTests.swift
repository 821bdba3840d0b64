import JSONText
import ServiceHTTP
import ServiceLifecycle
import Testing

/// What clients see of a server that is asked to stop.
@Suite(.timeLimit(.minutes(1)))
struct DepartureTests {
    private static func request(_ path: String) -> String {
        "GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n"
    }

    private static func router() -> ServiceRouter {
        let router = ServiceRouter(service: "leaving", logger: .quiet)
        router.get("/ok") { _, _ in .json { $0.set("ok", true) } }
        return router
    }

    @Test func forTheGraceRequestsAreTakenAndConnectionsEnd() async throws {
        let readiness = Readiness()

        let answers = try await withRunningServer(
            Self.router(), readiness: readiness, configure: { $0.grace = .seconds(100) }
        ) { port, group in
            // The connection is kept open, or this would read on.
            let kept = try await WireExchange.exchange(port: port, Self.request("/ok")) {
                $0.hasSuffix("}")
            }
            await group.triggerGracefulShutdown()
            while !readiness.isDraining, !Task.isCancelled { await Task.yield() }
            let last = try await WireExchange.exchange(port: port, Self.request("/ok"))
            return (kept, last)
        }

        #expect(answers.0.hasPrefix("HTTP/1.1 200"))
        #expect(!answers.0.lowercased().contains("connection: close"))
        #expect(answers.1.hasPrefix("HTTP/1.1 200"))
        #expect(answers.1.lowercased().contains("connection: close"))
        #expect(answers.1.hasSuffix(#"{"ok":true}"#))
    }

    @Test func aKeptConnectionHearsOfTheStopWithItsNextAnswer() async throws {
        let readiness = Readiness()

        let both = try await withRunningServer(
            Self.router(), readiness: readiness, configure: { $0.grace = .seconds(100) }
        ) { port, group in
            let (answered, answer) = AsyncStream.makeStream(of: Void.self)
            async let stop: Void = {
                for await _ in answered { break }
                await group.triggerGracefulShutdown()
            }()
            let both = try await WireExchange.conversation(
                port: port, Self.request("/ok"),
                then: {
                    answer.yield()
                    while !readiness.isDraining, !Task.isCancelled { await Task.yield() }
                    return Self.request("/ok")
                })
            await stop
            return both
        }

        let heads = both.lowercased().components(of: "http/1.1 200")
        #expect(heads.count == 2, "\(both)")
        #expect(heads.first?.contains("connection: close") == false)
        #expect(heads.last?.contains("connection: close") == true)
    }

    @Test func withoutGraceTheStopIsAtOnce() async throws {
        // Were one of its waits waited to its end, the suite's time would be over.
        try await withRunningServer(Self.router(), configure: { $0.drainLimit = .seconds(100) }) {
            _, group in
            await group.triggerGracefulShutdown()
        }
    }

    @Test func aWaitThatIsOnlyPreferredEndsWithReadiness() async {
        let readiness = Readiness()
        let (begun, begin) = AsyncStream.makeStream(of: Void.self)
        let waiting = Task {
            await readiness.cancelWhenDraining {
                begin.finish()
                try? await Task.sleep(for: .seconds(3_600))
                return "as it stands"
            }
        }
        for await _ in begun {}

        readiness.beginDraining()

        #expect(await waiting.value == "as it stands")
    }

    @Test func aWaitThatEndsByItselfIsLeftAlone() async {
        let readiness = Readiness()
        #expect(await readiness.cancelWhenDraining { Task.isCancelled } == false)
    }
}

extension String {
    /// What follows each occurrence of a word.
    fileprivate func components(of word: String) -> [Substring] {
        Array(split(separator: word, omittingEmptySubsequences: true))
    }
}
