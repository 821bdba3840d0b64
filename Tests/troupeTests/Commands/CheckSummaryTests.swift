import Testing

@testable import troupe

@Suite(.timeLimit(.minutes(1)))
struct CheckSummaryTests {
    @Test func oneRouteToOneUpstreamIsToldInTheSingular() {
        #expect(CheckCommand.summary(routes: 1, upstreams: 1) == "1 route to 1 upstream, no faults")
        #expect(
            CheckCommand.summary(routes: 2, upstreams: 0) == "2 routes to 0 upstreams, no faults")
    }
}
