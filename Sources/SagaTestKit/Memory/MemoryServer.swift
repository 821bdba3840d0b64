package import Saga
import Synchronization

/// A store in memory that several processes share, as they would share a Redis.
///
/// It keeps its data until it is told to forget some, and rings for new events at once.
package final class MemoryServer: Sendable {
    private struct Listener: Sendable {
        var streams: Set<String>
        var ring: @Sendable (_ stream: String) -> Void
        var end: @Sendable () -> Void
    }

    private struct State {
        var contents = MemoryData()
        var epoch = 0
        var next = 0
        var listeners: [Int: Listener] = [:]
    }

    package let clock: any SagaClock
    private let state = Mutex(State())

    package init(clock: any SagaClock = SystemSagaClock()) {
        self.clock = clock
    }

    /// All that stands there now.
    package var contents: MemoryData { state.withLock { $0.contents } }

    package var epoch: StoreEpoch { StoreEpoch(state.withLock { $0.epoch }) }

    /// Changes the data in one step, and rings for streams that have grown.
    package func change<Value: Sendable>(
        in epoch: StoreEpoch? = nil, rings: Bool = true,
        _ body: (inout MemoryData) throws(SagaError) -> Value
    ) throws(SagaError) -> Value {
        var grown: [(ring: @Sendable (String) -> Void, stream: String)] = []
        let result = state.withLock { state -> Result<Value, SagaError> in
            if let epoch, epoch.number != state.epoch, !PlantedFault.isPlanted(.epochsIgnored) {
                return .failure(SagaError(.epochOver, "the store holds other data by now"))
            }
            state.contents.grown = []
            state.contents.now = clock.wallMilliseconds
            let result = Result { () throws(SagaError) in try body(&state.contents) }
            guard rings, case .success = result else { return result }
            for name in state.contents.grown.sorted() {
                for (_, listener) in state.listeners.sorted(by: { $0.key < $1.key })
                where listener.streams.contains(name) {
                    grown.append((listener.ring, name))
                }
            }
            return result
        }
        for one in grown { one.ring(one.stream) }
        return try result.get()
    }

    /// Goes back to older data, as after a failover; everybody is connected anew.
    package func goBack(to data: MemoryData) {
        let listeners = state.withLock { state in
            state.contents = data
            state.epoch += 1
            defer { state.listeners = [:] }
            return state.listeners.sorted { $0.key < $1.key }.map(\.value)
        }
        for listener in listeners { listener.end() }
    }

    /// Calls `ring` for each stream that grows, until `end` is called or the task is cancelled.
    func listen(to streams: Set<String>, ring: @escaping @Sendable (String) -> Void) async {
        let number = state.withLock { state in
            state.next += 1
            return state.next
        }
        await withTaskCancellationHandler {
            await withUnsafeContinuation { (continuation: UnsafeContinuation<Void, Never>) in
                let isCancelled = state.withLock { state in
                    if Task.isCancelled { return true }
                    state.listeners[number] = Listener(
                        streams: streams, ring: ring, end: { continuation.resume() })
                    return false
                }
                if isCancelled { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.listeners.removeValue(forKey: number) }?.end()
        }
    }
}
