import Synchronization

/// Whether this process should get work: a list of named checks, and the wish to stop.
public final class Readiness: Sendable {
    /// Something the process cannot work without.
    public struct Check: Sendable {
        /// Its name in the answer of `/readyz`.
        public let name: String
        /// Throws if it is not ready.
        ///
        /// Must come back soon after cancellation.
        public let verify: @Sendable () async throws -> Void

        /// A check of that name.
        public init(_ name: String, verify: @escaping @Sendable () async throws -> Void) {
            self.name = name
            self.verify = verify
        }
    }

    /// What one check said.
    public struct Finding: Sendable, Hashable {
        /// The check's name.
        public let name: String
        /// Why it is not ready, or nil if it is.
        public let fault: String?
    }

    private let checks: Mutex<[Check]>
    private let isDraining = Mutex(false)
    private let timeout: Duration

    /// No check may take longer than `timeout`.
    public init(_ checks: [Check] = [], timeout: Duration = .seconds(1)) {
        self.checks = Mutex(checks)
        self.timeout = timeout
    }

    /// Adds a check.
    public func add(_ check: Check) {
        checks.withLock { $0.append(check) }
    }

    /// From here on the process is not ready: it is about to stop.
    public func beginDraining() {
        isDraining.withLock { $0 = true }
    }

    /// Runs all checks side by side; findings come in the order the checks were added.
    public func findings() async -> [Finding] {
        let checks = self.checks.withLock { $0 }
        let timeout = self.timeout
        var findings = await withTaskGroup(of: (Int, Finding).self) { group in
            for (index, check) in checks.enumerated() {
                group.addTask { (index, await Self.finding(check, within: timeout)) }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }.sorted { $0.0 < $1.0 }.map(\.1)
        if isDraining.withLock({ $0 }) {
            findings.append(Finding(name: "draining", fault: "the process is stopping"))
        }
        return findings
    }

    private static func finding(_ check: Check, within timeout: Duration) async -> Finding {
        await withTaskGroup(of: Finding.self) { group in
            group.addTask {
                do {
                    try await check.verify()
                    return Finding(name: check.name, fault: nil)
                } catch {
                    return Finding(name: check.name, fault: String(describing: error))
                }
            }
            group.addTask {
                try? await Task.sleep(for: timeout)
                return Finding(name: check.name, fault: "no answer within \(timeout)")
            }
            defer { group.cancelAll() }
            return await group.next() ?? Finding(name: check.name, fault: "was not run")
        }
    }
}
