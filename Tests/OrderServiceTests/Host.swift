import ServiceLifecycle
import Testing

/// Runs one service, and can end it as a crash would and start it anew.
actor Host<Hosted: Service> {
    private let make: @Sendable () throws -> Hosted
    private var running: (service: Hosted, task: Task<Void, Never>)?
    private var last: Hosted?

    init(_ make: @escaping @Sendable () throws -> Hosted) {
        self.make = make
    }

    /// The service that runs, or ran last.
    var current: Hosted {
        get throws { try #require(last) }
    }

    func start() throws {
        let service = try make()
        last = service
        let task = Task {
            do {
                try await service.run()
            } catch {
                if !Task.isCancelled { Issue.record(error, "a service ended by itself") }
            }
        }
        running = (service, task)
    }

    /// Ends the service at once, wherever it is.
    func crash() async {
        guard let (_, task) = running else { return }
        running = nil
        task.cancel()
        await task.value
    }
}
