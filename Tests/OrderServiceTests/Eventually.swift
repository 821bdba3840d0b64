import Testing

/// Waits until a condition holds, looking often; fails the test if it does not in time.
func eventually(
    _ what: Comment, within limit: Duration = .seconds(20),
    sourceLocation: SourceLocation = #_sourceLocation, _ holds: () async throws -> Bool
) async throws {
    let end = ContinuousClock.now + limit
    while ContinuousClock.now < end {
        if try await holds() { return }
        try await Task.sleep(for: .milliseconds(5))
    }
    Issue.record("it never came true that \(what)", sourceLocation: sourceLocation)
}
