/// Lets callers through while it is open, and holds them while it is closed.
actor Gate {
    private var isOpen = true
    private var held: [CheckedContinuation<Void, Never>] = []
    private var watchers: [CheckedContinuation<Void, Never>] = []

    func close() { isOpen = false }

    func open() {
        isOpen = true
        for continuation in held { continuation.resume() }
        held = []
    }

    /// Returns at once, or when the gate is opened.
    func pass() async {
        guard !isOpen else { return }
        await withCheckedContinuation { continuation in
            held.append(continuation)
            for watcher in watchers { watcher.resume() }
            watchers = []
        }
    }

    /// Returns as soon as somebody is held.
    func holdsSomebody() async {
        guard held.isEmpty else { return }
        await withCheckedContinuation { watchers.append($0) }
    }
}
