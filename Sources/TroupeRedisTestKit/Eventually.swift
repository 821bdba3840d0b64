public import Testing

/// Waits until a condition holds.
///
/// Records an issue and throws when it does not within the limit, which is generous: on a slow
/// machine everything ends, only later.
public func eventually(
    isolation: isolated (any Actor)? = #isolation,
    _ what: String, within limit: Duration = .seconds(60),
    sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () async throws -> Bool
) async throws {
    let end = ContinuousClock.now + limit
    while ContinuousClock.now < end {
        if try await condition() { return }
        try await Task.sleep(for: .milliseconds(5))
    }
    Issue.record("not within \(limit): \(what)", sourceLocation: sourceLocation)
    throw NeverHappened(what: what)
}

/// The same for a value that is nil until it is there.
///
/// By a name of its own, as a condition would do for a value that is there at once: nothing would
/// be waited for.
public func eventualValue<Value>(
    isolation: isolated (any Actor)? = #isolation,
    _ what: String, within limit: Duration = .seconds(60),
    sourceLocation: SourceLocation = #_sourceLocation,
    _ value: () async throws -> Value?
) async throws -> Value {
    var found: Value?
    try await eventually(what, within: limit, sourceLocation: sourceLocation) {
        found = try await value()
        return found != nil
    }
    guard let found else { throw NeverHappened(what: what) }
    return found
}

/// What a test waited for did not come about.
public struct NeverHappened: Error {
    /// What it waited for.
    public let what: String

    /// The error for what did not come about.
    public init(what: String) {
        self.what = what
    }
}
