/// Where handlers run: what steps and owners do, what undoes it, and reading books.
///
/// What a declaration calls pure, as the condition of a leg or what changes on a failure, runs
/// where the engine does.
public enum HandlerExecutor: Sendable {
    /// On the threads that all tasks of the process share: one that computes for long, or blocks
    /// its thread, keeps the store's connection from nothing.
    case concurrent
    /// On the event loop of the store's connection, where they cost the least.
    ///
    /// Nothing that blocks or computes for long may run there: until it is over the client gets no
    /// answer and sends no heartbeat, whoever asks.
    case onConnection
    /// On an executor of one's own.
    case custom(any TaskExecutor)

    /// Nil for where the engine runs.
    var executor: (any TaskExecutor)? {
        switch self {
        case .concurrent: globalConcurrentExecutor
        case .onConnection: nil
        case .custom(let executor): executor
        }
    }
}
