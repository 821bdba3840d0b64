import Synchronization

/// Whether this process should get work: a list of named checks, and the wish to stop.
public final class Readiness: Sendable {
    /// Something the process cannot work without.
    public struct Check: Sendable {
        /// Its name in the answer of `/readyz`.
        public let name: String
        /// Throws if it is not ready, and ``Readiness/Degraded`` if it is ready all the same.
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
        /// What does not work although it is ready.
        public let impairment: String?

        init(name: String, fault: String? = nil, impairment: String? = nil) {
            self.name = name
            self.fault = fault
            self.impairment = impairment
        }
    }

    /// Why a check fails, in the words that `/readyz` shows.
    public struct Fault: Error, CustomStringConvertible {
        /// The reason.
        public let description: String

        /// A fault for that reason.
        public init(_ reason: String) { description = reason }
    }

    /// Thrown by a check when something is missing that the process can do without for a while.
    public struct Degraded: Error, CustomStringConvertible {
        /// What is missing, as `/readyz` shows it.
        public let description: String

        /// A process that is ready, and worse than it could be.
        public init(_ reason: String) { description = reason }
    }

    private struct Draining {
        var hasBegun = false
        var next = 0
        var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
    }

    private let checks: Mutex<[Check]>
    private let draining = Mutex(Draining())
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

    // MARK: - Stopping

    /// From here on the process is not ready: it is about to stop.
    public func beginDraining() {
        let waiting = draining.withLock { draining in
            draining.hasBegun = true
            defer { draining.waiting = [:] }
            return draining.waiting.values
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Whether the process is about to stop.
    public var isDraining: Bool { draining.withLock { $0.hasBegun } }

    /// Runs `operation`, and cancels it as soon as the process is about to stop.
    ///
    /// For waits that a client prefers and can do without.
    public func cancelWhenDraining<Value: Sendable>(
        _ operation: @escaping @Sendable () async -> Value
    ) async -> Value {
        await withTaskGroup(of: Value?.self) { group in
            group.addTask { await operation() }
            group.addTask {
                await self.waitForDraining()
                return nil
            }
            while let result = await group.next() {
                group.cancelAll()
                if let value = result { return value }
            }
            return await operation()
        }
    }

    private func waitForDraining() async {
        let number = draining.withLock { draining in
            draining.next += 1
            return draining.next
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = draining.withLock { draining in
                    if draining.hasBegun || Task.isCancelled { return true }
                    draining.waiting[number] = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            draining.withLock { $0.waiting.removeValue(forKey: number) }?.resume()
        }
    }

    // MARK: - Asking

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
        if isDraining {
            findings.append(Finding(name: "draining", fault: "the process is stopping"))
        }
        return findings
    }

    private static func finding(_ check: Check, within timeout: Duration) async -> Finding {
        await withTaskGroup(of: Finding.self) { group in
            group.addTask {
                do {
                    try await check.verify()
                    return Finding(name: check.name)
                } catch let impairment as Degraded {
                    return Finding(name: check.name, impairment: impairment.description)
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
