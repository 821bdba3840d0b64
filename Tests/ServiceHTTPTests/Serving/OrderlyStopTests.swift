import ServiceLifecycle
import Synchronization
import Testing

@testable import ServiceHTTP

/// What services hear of a stop, and in which order.
///
/// What signals do is tested on the built program.
@Suite(.timeLimit(.minutes(1)))
struct OrderlyStopTests {
    /// What happened, in its order.
    private final class Course: Sendable {
        private let all = Mutex<[String]>([])

        var events: [String] { all.withLock { $0 } }

        func note(_ event: String) { all.withLock { $0.append(event) } }

        func reaches(_ count: Int) async {
            while events.count < count, !Task.isCancelled { await Task.yield() }
        }
    }

    private struct Part: Service {
        var name: String
        var course: Course
        var isDeaf = false

        func run() async throws {
            course.note("begins")
            if isDeaf { try await Task.sleep(for: .seconds(3_600)) }
            try await gracefulShutdown()
            course.note("\(name) stops")
        }
    }

    @Test func listenersAreToldAndThenServicesStopInReverse() async throws {
        let course = Course()
        let stop = OrderlyStop(logger: .quiet)
        stop.announce { course.note("announced") }
        let parts = ["first", "second", "third"].map { Part(name: $0, course: course) }
        async let running: Void = stop.runWithoutSignals { try await stop.serve(parts) }
        await course.reaches(3)

        await stop.stop()
        try await running

        #expect(
            course.events.dropFirst(3)
                == ["announced", "third stops", "second stops", "first stops"])
    }

    @Test func whoDoesNotStopInTimeIsAnError() async throws {
        let course = Course()
        let stop = OrderlyStop(
            services: .milliseconds(20), limit: .seconds(600), logger: .quiet)
        let part = Part(name: "deaf", course: course, isDeaf: true)
        async let running: Void = stop.runWithoutSignals { try await stop.serve([part]) }
        await course.reaches(1)

        await stop.stop()
        var code: ServiceHTTPError.Code?
        do {
            try await running
        } catch let error as ServiceHTTPError {
            code = error.code
        }

        #expect(code == .stopOverdue)
    }

    @Test func aStopMayBeAnnouncedBefore() {
        let course = Course()
        let stop = OrderlyStop(grace: .seconds(5), logger: .quiet)
        stop.announce { course.note("one") }
        stop.announce { course.note("other") }

        stop.announceStop()

        #expect(course.events == ["one", "other"])
        #expect(stop.limit == .seconds(10))
    }
}
