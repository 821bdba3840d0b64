package import Saga
import Synchronization

/// A company outside, which keeps its books whatever happens to the store, and answers as a
/// simulation's seed decides.
package final class SimulatedCompany: OutsideBooks {
    /// It could not say.
    package struct Silence: Error {}

    private struct Books {
        var standing: Set<String> = []
        var undone: Set<String> = []
        /// Under which keys something was to be undone.
        var undoKeys: Set<String> = []
        /// How often each was undone that had been done.
        var undos: [String: Int] = [:]
        /// Calls that are on their way although their caller has given them up.
        var lateCount = 0
        /// When each was done, and its place among them.
        var made: [String: Int64] = [:]
        var order: [String] = []
        /// Keys that it has seen and does not know any more.
        var forgotten: Set<String> = []
        var doneTwice: Set<String> = []
    }

    private let simulation: Simulation
    private let books = Mutex(Books())

    private let isFinal: @Sendable (String) -> Bool

    /// - Parameter isFinal: what cannot be undone any more.
    init(_ simulation: Simulation, isFinal: @escaping @Sendable (String) -> Bool = { _ in false }) {
        self.simulation = simulation
        self.isFinal = isFinal
    }

    /// What stands by a key.
    func stands(_ key: String) -> Bool { books.withLock { $0.standing.contains(key) } }

    /// Whether what was done by a key was undone.
    func isUndone(_ key: String) -> Bool { books.withLock { $0.undone.contains(key) } }

    var standing: Set<String> { books.withLock { $0.standing } }

    /// What was undone more often than it was done.
    var undoneTwice: [String] {
        books.withLock { $0.undos.filter { $0.value > 1 }.keys.sorted() }
    }

    /// What was done once more under a key that it had forgotten.
    var doneTwice: [String] { books.withLock { $0.doneTwice.sorted() } }

    /// Knows its keys no more, as companies do after some days or weeks; what stands, stands.
    func forgetKeys() {
        books.withLock { books in
            books.forgotten = Set(books.made.keys)
            books.undone = []
            books.undoKeys = []
        }
    }

    /// Whether no call is on its way any more that nobody waits for.
    var isAtRest: Bool { books.withLock { $0.lateCount == 0 } }

    /// Does something once by its key; a key that was undone is refused for ever.
    package func act(_ key: String) async throws {
        await answerTime()
        if simulation.happens({ $0.refusal * 20 }) { throw Silence() }
        if simulation.happens({ $0.lateCalls }) {
            actLater(key)
            throw Silence()
        }
        if stands(key), simulation.happens({ $0.keysInUse }) {
            throw BusinessFailure("key_in_use")
        }
        guard take(key) else { throw Silence() }
        if simulation.happens({ $0.hangs }) {
            try await simulation.clock.sleep(for: .seconds(60))
        }
        await answerTime()
        if simulation.happens({ $0.lostAnswer * 20 }) { throw Silence() }
    }

    /// Whether something was done by a key; nil if it cannot say.
    ///
    /// Of a call that is on its way it knows nothing.
    package func hasActed(_ key: String) async throws -> Bool? {
        await answerTime()
        if simulation.happens({ $0.refusal * 20 }) { throw Silence() }
        if simulation.happens({ $0.hangs }) { return nil }
        let answer = stands(key)
        simulation.trace.note("asked \(key): \(answer)")
        await answerTime()
        if simulation.happens({ $0.lostAnswer * 20 }) { throw Silence() }
        return answer
    }

    /// Says no for a reason of the business, if it says anything.
    package func refuse(_ reason: String) async throws {
        await answerTime()
        if simulation.happens({ $0.refusal * 20 }) { throw Silence() }
        throw BusinessFailure(reason)
    }

    /// Lets a call arrive later, whatever has become of its caller.
    private func actLater(_ key: String) {
        books.withLock { $0.lateCount += 1 }
        Task(executorPreference: simulation.executor) { [self] in
            try? await simulation.clock.sleep(for: .milliseconds(simulation.below(20_000)))
            _ = take(key)
            books.withLock { $0.lateCount -= 1 }
        }
    }

    private func take(_ key: String) -> Bool {
        let isTaken = books.withLock { books in
            if books.undone.contains(key), !PlantedFault.isPlanted(.undoDoesNotBlock) {
                return false
            }
            if books.forgotten.remove(key) != nil { books.doneTwice.insert(key) }
            books.standing.insert(key)
            if books.made[key] == nil {
                books.made[key] = simulation.clock.wallMilliseconds
                books.order.append(key)
            }
            return true
        }
        simulation.trace.note(isTaken ? "done \(key)" : "refused \(key)")
        return isTaken
    }

    /// Undoes what stands by a key, if anything does, and refuses the key from then on.
    ///
    /// Under a key that it has seen, whatever for, it does nothing more.
    ///
    /// - Returns: whether there was anything to undo.
    @discardableResult
    package func undo(_ key: String, under undoKey: String) async throws -> Bool {
        await answerTime()
        if simulation.happens({ $0.refusal * 20 }) { throw Silence() }
        let wasDone = books.withLock { books in
            let wasDone = books.made[key] != nil
            guard books.made[undoKey] == nil, books.undoKeys.insert(undoKey).inserted else {
                return wasDone
            }
            if wasDone { books.undos[key, default: 0] += 1 }
            books.undone.insert(key)
            books.standing.remove(key)
            return wasDone
        }
        simulation.trace.note("undone \(key)")
        await answerTime()
        if simulation.happens({ $0.lostAnswer * 20 }) { throw Silence() }
        return wasDone
    }

    // MARK: - Its books

    private static let pageSize = 2

    package func entries(after cursor: String?, since time: Int64) async throws -> OutsidePage {
        await answerTime()
        if simulation.happens({ $0.refusal * 20 }) { throw Silence() }
        return books.withLock { books in
            let start = cursor.flatMap { Int($0) } ?? 0
            let end = min(start + Self.pageSize, books.order.count)
            return OutsidePage(
                books.order[start..<end].compactMap { entry($0, books) },
                next: end < books.order.count ? String(end) : nil)
        }
    }

    package func entry(under key: String) async throws -> OutsideEntry? {
        await answerTime()
        if simulation.happens({ $0.refusal * 20 }) { throw Silence() }
        return books.withLock { entry(key, $0) }
    }

    private func entry(_ key: String, _ books: Books) -> OutsideEntry? {
        books.made[key].map {
            OutsideEntry(
                key: key, made: $0,
                standing: !books.standing.contains(key)
                    ? .undone : isFinal(key) ? .final : .standing)
        }
    }

    private func answerTime() async {
        try? await simulation.clock.sleep(for: .milliseconds(simulation.below(60)))
    }
}
