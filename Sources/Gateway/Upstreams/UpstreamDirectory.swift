package import Logging
import Metrics
package import NIOCore
import Synchronization

/// All upstreams, reachable from tasks; each call runs on one event loop from end to end.
package final class UpstreamDirectory: Sendable {
    /// The clients of one event loop, in the order of the configuration.
    private final class Clients {
        let all: [UpstreamClient]
        var sweeper: RepeatedTask?

        init(_ all: [UpstreamClient]) {
            self.all = all
        }
    }

    private let names: [String: Int]
    private let clients: [ObjectIdentifier: NIOLoopBoundBox<Clients>]
    private let loops: [any EventLoop]
    private let isStopped = Atomic(false)
    /// Calls under way.
    let calls = TaskTally()
    private let failures: UpstreamFailureLog

    package init(
        _ upstreams: [UpstreamConfiguration], eventLoops: [any EventLoop], logger: Logger
    ) {
        let failures = UpstreamFailureLog(logger)
        loops = eventLoops
        names = Dictionary(
            upstreams.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
        let timers = upstreams.map {
            Timer(
                label: "gateway_upstream_duration_seconds", dimensions: [("upstream", $0.name)],
                preferredDisplayUnit: .seconds)
        }
        var clients: [ObjectIdentifier: NIOLoopBoundBox<Clients>] = [:]
        for (offset, loop) in eventLoops.enumerated() {
            let all = zip(upstreams, timers).map { upstream, timer in
                UpstreamClient(
                    upstream, eventLoop: loop, offset: offset % upstream.targets.count,
                    duration: timer, failures: failures)
            }
            clients[ObjectIdentifier(loop)] = .makeBoxSendingValue(Clients(all), eventLoop: loop)
        }
        self.clients = clients
        self.failures = failures
    }

    /// A call as the task that waits for it knows it; lives on the call's event loop.
    private final class Waiting {
        var call: UpstreamClient.Call?
        var isCancelled = false
    }

    /// Sends a request and waits for the whole answer.
    ///
    /// A cancelled task's call is ended with its connection, and throws at once; but an unsafe one
    /// that was sent runs on, to its answer or the end of its time.
    ///
    /// - Parameters:
    ///   - eventLoop: one of those given at the start; the call uses its connections.
    ///   - timeout: shortens the time of the upstream's configuration.
    ///   - onRunningOn: is called once if the task is cancelled and the call runs on.
    package func send(
        _ request: UpstreamRequest, to upstream: String, on eventLoop: any EventLoop,
        timeout: Duration? = nil, onRunningOn: @escaping @Sendable () -> Void = {}
    ) async throws(UpstreamFailure) -> UpstreamResponse {
        guard let index = names[upstream], let box = clients[ObjectIdentifier(eventLoop)] else {
            throw UpstreamFailure(.unsendable, "no upstream `\(upstream)`")
        }
        calls.begin()
        defer { calls.end() }
        // After `stop` the event loop may be gone as soon as no call is under way.
        guard !isStopped.load(ordering: .sequentiallyConsistent) else {
            throw UpstreamFailure(.stopped)
        }
        let waiting = NIOLoopBoundBox.makeBoxSendingValue(Waiting(), eventLoop: eventLoop)
        do {
            return try await withTaskCancellationHandler {
                try await eventLoop.flatSubmit {
                    let waiting = waiting.value
                    guard !waiting.isCancelled else {
                        return eventLoop.makeFailedFuture(
                            UpstreamFailure(.cancelled, wasSent: false))
                    }
                    let call = box.value.all[index].call(request, timeout: timeout)
                    waiting.call = call
                    return call.promise.futureResult
                }.get()
            } onCancel: {
                eventLoop.execute {
                    waiting.value.isCancelled = true
                    guard let call = waiting.value.call else { return }
                    if box.value.all[index].leave(call) { onRunningOn() }
                }
            }
        } catch {
            throw error as? UpstreamFailure
                ?? UpstreamFailure(.stopped, "\(type(of: error))", wasSent: true)
        }
    }

    /// Logs why a whole answer cannot be used.
    func note(
        _ failure: UpstreamFailure, of response: UpstreamResponse, upstream: String, request: String
    ) {
        failures.note(failure, of: response.target, upstream: upstream, request: request)
    }

    /// Begins to close connections that stay idle.
    func start() {
        for loop in loops {
            guard let box = clients[ObjectIdentifier(loop)] else { continue }
            loop.execute {
                let clients = box.value
                clients.sweeper = loop.scheduleRepeatedTask(
                    initialDelay: .seconds(1), delay: .seconds(1)
                ) { _ in
                    for client in box.value.all { client.sweep(.now()) }
                }
            }
        }
    }

    /// Closes idle connections and refuses new calls; those under way end by themselves.
    package func stop() {
        isStopped.store(true, ordering: .sequentiallyConsistent)
        for loop in loops {
            guard let box = clients[ObjectIdentifier(loop)] else { continue }
            loop.execute {
                box.value.sweeper?.cancel()
                for client in box.value.all { client.stop() }
            }
        }
    }
}
