import CoreMetrics
import Observability
import ServiceHTTP
import ServiceLifecycle
import Testing

@Suite(.timeLimit(.minutes(1)))
struct AdminServerTests {
    struct Down: Error, CustomStringConvertible {
        var description: String { "no connection" }
    }

    private func ask(
        _ path: String, registry: PrometheusRegistry = PrometheusRegistry(),
        readiness: Readiness = Readiness()
    ) async throws -> String {
        let admin = AdminServer(
            configuration: ServiceServerConfiguration(port: 0), registry: registry,
            readiness: readiness, logger: .quiet)
        let group = ServiceGroup(services: [admin], logger: .quiet)
        return try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            let answer = try await WireExchange.exchange(
                port: try await admin.boundPort.value,
                "GET \(path) HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
            return answer
        }
    }

    @Test func metricsAreShown() async throws {
        let registry = PrometheusRegistry()
        PrometheusMetricsFactory(registry).makeCounter(label: "hits", dimensions: [])
            .increment(by: 2)

        let answer = try await ask("/metrics", registry: registry)

        #expect(answer.hasPrefix("HTTP/1.1 200"))
        #expect(answer.contains("text/plain; version=0.0.4"))
        #expect(answer.contains("\nhits_total 2\n"))
    }

    @Test func aProcessThatRunsIsAlive() async throws {
        let readiness = Readiness([Readiness.Check("redis") { throw Down() }])
        #expect(try await ask("/livez", readiness: readiness).hasSuffix("\r\n\r\nok\n"))
    }

    @Test func readinessIsAskedOfEveryCheck() async throws {
        let good = Readiness([Readiness.Check("redis") {}, Readiness.Check("lag") {}])
        #expect(try await ask("/readyz", readiness: good).hasSuffix("\r\n\r\nok\n"))
        #expect(
            try await ask("/readyz?verbose", readiness: good)
                .hasSuffix("\r\n\r\n[+]redis ok\n[+]lag ok\nreadyz check passed\n"))

        let bad = Readiness([Readiness.Check("redis") { throw Down() }, Readiness.Check("lag") {}])
        let answer = try await ask("/readyz", readiness: bad)
        #expect(answer.hasPrefix("HTTP/1.1 503"))
        #expect(answer.hasSuffix("\r\n\r\n[-]redis failed: no connection\n"))
    }

    @Test func aCheckThatHangsIsNotReady() async throws {
        let readiness = Readiness(
            [Readiness.Check("slow") { try await Task.sleep(for: .seconds(3_600)) }],
            timeout: .milliseconds(20))
        let findings = await readiness.findings()
        #expect(findings.map(\.name) == ["slow"])
        #expect(findings.first?.fault?.hasPrefix("no answer within") == true)
    }

    @Test func aProcessThatStopsIsNotReady() async throws {
        let readiness = Readiness()
        readiness.add(Readiness.Check("redis") {})
        readiness.beginDraining()
        let answer = try await ask("/readyz?verbose", readiness: readiness)
        #expect(answer.hasPrefix("HTTP/1.1 503"))
        #expect(answer.contains("[+]redis ok\n[-]draining failed: the process is stopping\n"))
    }

    @Test func whatCanBeDoneWithoutDegradesAProcessThatIsReady() async throws {
        let readiness = Readiness([
            Readiness.Check("redis") { throw Readiness.Degraded("it does not answer") }
        ])

        let answer = try await ask("/readyz", readiness: readiness)
        let verbose = try await ask("/readyz?verbose", readiness: readiness)

        #expect(answer.hasPrefix("HTTP/1.1 200"))
        #expect(
            answer.hasSuffix("\r\n\r\n[~]redis degraded: it does not answer\ndegraded\n"))
        #expect(verbose.hasSuffix("degraded: it does not answer\nreadyz check passed\n"))
    }

    @Test func anImpairmentIsSaidAndIsNoFault() async {
        func finding(_ impairment: String?) async -> Readiness.Finding? {
            let check = Readiness.Check("cache", impairment: { impairment })
            return await Readiness([check]).findings().first
        }

        let impaired = await finding("not in use")
        let well = await finding(nil)

        #expect(impaired?.fault == nil && impaired?.impairment == "not in use")
        #expect(well != nil && well?.fault == nil && well?.impairment == nil)
    }

    @Test func aTroubleCountsOnceItHasLasted() async {
        func findings(after age: Duration, isBearable: Bool = false) async -> [Readiness.Finding] {
            let check = Readiness.Check(
                "reader", patience: .seconds(5),
                trouble: { Trouble(age: age, reason: "nothing comes") },
                unless: { isBearable })
            return await Readiness([check]).findings()
        }

        #expect(await findings(after: .seconds(5)).first?.fault == nil)
        #expect(await findings(after: .seconds(6)).first?.fault == "nothing comes, for 6 s")
        let borne = await findings(after: .seconds(6), isBearable: true).first
        #expect(borne?.fault == nil && borne?.impairment == "nothing comes, for 6 s")
    }

    @Test func impairmentsOfACheckAreNamedUnlessThereAreFaults() async {
        func finding(_ faults: [String], _ impairments: [String]) async -> Readiness.Finding? {
            let check = Readiness.Check(
                "payment", faults: { faults }, impairments: { impairments })
            return await Readiness([check]).findings().first
        }

        let impaired = await finding([], ["one is deaf", "so is another"])
        #expect(impaired?.fault == nil)
        #expect(impaired?.impairment == "one is deaf; so is another")
        let faulty = await finding(["no reads"], ["one is deaf"])
        #expect(faulty?.fault == "no reads")
        #expect(await finding([], [])?.impairment == nil)
    }

    @Test func allFaultsOfACheckAreNamed() async {
        let faulty = Readiness([Readiness.Check("payment", faults: { ["no reads", "no writes"] })])
        let well = Readiness([Readiness.Check("payment", faults: { [] })])

        #expect(await faulty.findings().first?.fault == "no reads; no writes")
        #expect(await well.findings().first?.fault == nil)
    }

    @Test func otherPathsAreProblems() async throws {
        let answer = try await ask("/")
        #expect(answer.hasPrefix("HTTP/1.1 404"))
        #expect(answer.contains("application/problem+json"))
    }
}
