import Metrics
import NIOCore
import NIOHTTP1

/// Calls one upstream from one event loop: which server, how long, how often.
///
///     call ─► target 1 ─ fails ─► target 2 ─ answers ─►
///             └── per try ──┘     └── per try ──┘
///     └──────────────── whole call ─────────────────┘
///
/// Servers go round, each call beginning one further; a second try takes the next one.
final class UpstreamClient {
    let configuration: UpstreamConfiguration
    private let eventLoop: any EventLoop
    private let pools: [UpstreamPool]
    private let duration: Timer
    private var next: Int
    private var rule: RetryRule

    init(
        _ configuration: UpstreamConfiguration, eventLoop: any EventLoop, offset: Int,
        duration: Timer
    ) {
        self.configuration = configuration
        self.eventLoop = eventLoop
        self.duration = duration
        next = offset
        pools = configuration.targets.map {
            UpstreamPool(target: $0, configuration: configuration, eventLoop: eventLoop)
        }
        rule = RetryRule(attempts: configuration.attempts, budget: configuration.retryBudget)
    }

    /// Begins a call; its answer comes by its promise.
    func call(_ request: UpstreamRequest, timeout: Duration?) -> Call {
        let limit = min(timeout ?? configuration.timeout, configuration.timeout)
        let call = Call(
            request: request, began: .now(), deadline: .now() + TimeAmount(limit), target: next,
            promise: eventLoop.makePromise())
        guard request.isSafe else {
            call.promise.fail(UpstreamFailure(.unsendable))
            return call
        }
        next = (next + 1) % pools.count
        rule.callBegan()
        attempt(call)
        return call
    }

    func sweep(_ now: NIODeadline) {
        for pool in pools { pool.sweep(now) }
    }

    func stop() {
        for pool in pools { pool.stop() }
    }

    // MARK: - Tries

    final class Call {
        let promise: EventLoopPromise<UpstreamResponse>
        fileprivate let request: UpstreamRequest
        fileprivate let began: NIODeadline
        fileprivate let deadline: NIODeadline
        fileprivate var target: Int
        fileprivate var tries = 0
        fileprivate var wasRetried = false
        /// The try under way.
        fileprivate var attempt: Attempt?
        /// An answer that another server might better, given if none does.
        fileprivate var fallback: UpstreamResponse?

        fileprivate init(
            request: UpstreamRequest, began: NIODeadline, deadline: NIODeadline, target: Int,
            promise: EventLoopPromise<UpstreamResponse>
        ) {
            self.request = request
            self.began = began
            self.deadline = deadline
            self.target = target
            self.promise = promise
        }

        /// Ends the call, and the connection that works on it; without effect once it has ended.
        func cancel() {
            fallback = nil
            attempt?.end(.init(.cancelled))
        }
    }

    private func attempt(_ call: Call) {
        call.tries += 1
        let pool = pools[call.target]
        call.target = (call.target + 1) % pools.count
        let answer = eventLoop.makePromise(of: UpstreamResponse.self)
        let attempt = Attempt()
        call.attempt = attempt
        attempt.lease = UpstreamPool.Lease { result in
            switch result {
            case .success(let connection):
                attempt.connection = connection
                connection.send(call.request, promise: answer)
            case .failure(let failure): answer.fail(failure)
            }
        }
        let limit = timeLimit(of: call)
        let bound = NIOLoopBound((self, call, attempt), eventLoop: eventLoop)
        let timer = eventLoop.scheduleTask(deadline: limit) {
            bound.value.2.end(.init(.timedOut))
        }
        answer.futureResult.whenComplete { result in
            timer.cancel()
            let (client, call, _) = bound.value
            client.finished(call, result)
        }
        if let lease = attempt.lease { pool.serve(lease) }
    }

    /// The limit of one try counts where another may follow; a last try may use all that is left.
    private func timeLimit(of call: Call) -> NIODeadline {
        let mayFollow = call.request.method.isIdempotent && call.tries < configuration.attempts
        guard mayFollow else { return call.deadline }
        return min(call.deadline, .now() + TimeAmount(configuration.perTryTimeout))
    }

    /// A try under way, which can be ended wherever it stands.
    fileprivate final class Attempt {
        var lease: UpstreamPool.Lease?
        var connection: UpstreamConnection?

        func end(_ failure: UpstreamFailure) {
            if let connection {
                connection.abort(failure)
            } else {
                _ = lease?.fulfil(.failure(failure))
            }
        }
    }

    private func finished(_ call: Call, _ result: Result<UpstreamResponse, any Error>) {
        call.attempt = nil
        let failure: UpstreamFailure
        switch result {
        case .success(let response):
            let mightBeBetterElsewhere = (502...504).contains(response.status) && pools.count > 1
            guard mightBeBetterElsewhere else { return end(call, .success(response)) }
            call.fallback = response
            failure = UpstreamFailure(.broken, "status \(response.status)")
        case .failure(let error):
            failure = error as? UpstreamFailure ?? UpstreamFailure(.broken, "\(type(of: error))")
        }
        let isInTime = NIODeadline.now() < call.deadline
        let retries =
            isInTime
            && rule.allowsRetry(
                after: failure, tries: call.tries, isIdempotent: call.request.method.isIdempotent,
                isFirstRetry: !call.wasRetried)
        if retries {
            call.wasRetried = true
            attempt(call)
        } else if let fallback = call.fallback {
            end(call, .success(fallback))
        } else {
            end(call, .failure(failure))
        }
    }

    private func end(_ call: Call, _ result: Result<UpstreamResponse, UpstreamFailure>) {
        rule.callEnded(retried: call.wasRetried)
        duration.recordNanoseconds((NIODeadline.now() - call.began).nanoseconds)
        call.promise.completeWith(result.mapError { $0 as any Error })
    }
}
