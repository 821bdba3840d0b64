/// Something that has gone wrong, may pass by itself, and has not yet.
public struct Trouble: Sendable {
    /// For how long, without a break.
    public let age: Duration
    /// What is wrong, as `/readyz` shows it.
    public let reason: String

    /// A trouble that goes on.
    public init(age: Duration, reason: String) {
        self.age = age
        self.reason = reason
    }
}

extension Readiness.Check {
    /// A check that fails once a trouble has lasted for longer than `patience`.
    ///
    /// - Parameters:
    ///   - trouble: what is wrong now; nil when all is well.
    ///   - isBearable: whether the process serves all the same; then it is degraded.
    public init(
        _ name: String, patience: Duration = .seconds(5),
        trouble: @escaping @Sendable () -> Trouble?,
        unless isBearable: @escaping @Sendable () async -> Bool = { false }
    ) {
        self.init(name) {
            guard let trouble = trouble(), trouble.age > patience else { return }
            let reason = "\(trouble.reason), for \(trouble.age.components.seconds) s"
            if await isBearable() { throw Readiness.Degraded(reason) }
            throw Readiness.Fault(reason)
        }
    }

    /// A check that fails as long as there are faults, and names them all.
    ///
    /// - Parameters:
    ///   - faults: sentences that may be shown; none if all is well.
    ///   - impairments: the same of what only degrades the process.
    public init(
        _ name: String, faults: @escaping @Sendable () -> [String],
        impairments: @escaping @Sendable () -> [String] = { [] }
    ) {
        self.init(name) {
            let faults = faults()
            if !faults.isEmpty { throw Readiness.Fault(faults.joined(separator: "; ")) }
            let impairments = impairments()
            if !impairments.isEmpty {
                throw Readiness.Degraded(impairments.joined(separator: "; "))
            }
        }
    }

    /// A check that never fails: the process is ready, and says what does not work meanwhile.
    ///
    /// - Parameter impairment: a sentence that may be shown; nil if all is well.
    public init(_ name: String, impairment: @escaping @Sendable () -> String?) {
        self.init(name) {
            if let impairment = impairment() { throw Readiness.Degraded(impairment) }
        }
    }
}
