import Saga
import Testing

/// Expects that a participant is not a plan, and that the message tells all of these faults.
func expectRefused(
    _ participant: Participant, _ faults: String..., location: SourceLocation = #_sourceLocation
) {
    let error = #expect(throws: SagaError.self, sourceLocation: location) {
        try ParticipantPlan(participant)
    }
    let message = error?.message ?? ""
    for fault in faults {
        #expect(
            message.contains(fault), "\(fault) is missing in \(message)",
            sourceLocation: location)
    }
}
