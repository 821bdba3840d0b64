import Saga
import SagaTestKit
import Testing

@Suite(.timeLimit(.minutes(1)))
struct StayTests {
    @Test func withoutARoomTheStayIsCancelled() async throws {
        let rehearsal = try SagaRehearsal(StaySaga.desk, StaySaga.hotel)
        try await rehearsal.begin("1", StayAsked(city: "nowhere"))

        #expect(try await rehearsal.ending(of: "1") == .cancelled)
        #expect(rehearsal.events(of: "1") == ["StayAsked", "RoomRefused", "StayCancelled"])
    }
}
