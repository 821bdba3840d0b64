import Metrics
import NIOCore
import NIOHTTP1

/// Calls one upstream from one event loop: which server, how long, how often.
///
///     call ─► target 1 ─ fails ─► target 2 ─ answers ─►
///             └── per try ──┘     └── per try ──┘
///     └──────────────── whole call ─────────────────┘
///
/// The limit of one try counts only if another really follows; else the try runs on.
///
/// Servers go round, each call beginning one further; a second try takes the next one.
final class UpstreamClient {
    let configuration: UpstreamConfiguration
    private let eventLoop: any EventLoop
    private let pools: [UpstreamPool]
    private let duration: Timer
    private let failures: UpstreamFailureLog
    private var next: Int
    private var rule: RetryRule
    /// Calls that run on although nobody waits for them.
    private var abandoned: [ObjectIdentifier: Call] = [:]
    private var isStopped = false

    init(
        _ configuration: UpstreamConfiguration, eventLoop: any EventLoop, offset: Int,
        duration: Timer, failures: UpstreamFailureLog
    ) {
        self.configuration = configuration
        self.eventLoop = eventLoop
        self.duration = duration
        self.failures = failures
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

    /// Ends what nobody waits for; calls that somebody waits for end by themselves.
    func stop() {
        isStopped = true
        for pool in pools { pool.stop() }
        for call in abandoned.values { call.attempt?.end(.init(.stopped, wasSent: true)) }
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
        /// A try that failed may have reached its server.
        fileprivate var wasSent = false
        /// The rule has counted the next try already.
        fileprivate var mayRetry = false
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

    }

    /// Nobody waits for the call any more; without effect once it has ended.
    ///
    /// It ends with the connection that works on it. But a server that has been told to change
    /// something does so all the same, and its answer tells when: then the call runs on, to that
    /// answer or the end of its time, and is not tried again.
    ///
    /// - Returns: whether it runs on.
    func leave(_ call: Call) -> Bool {
        guard let attempt = call.attempt else { return false }
        let mayAct = !call.request.method.isSafe && attempt.connection != nil
        call.fallback = nil
        guard mayAct, !isStopped else {
            attempt.end(.init(isStopped ? .stopped : .cancelled, wasSent: mayAct))
            return false
        }
        abandoned[ObjectIdentifier(call)] = call
        return true
    }

    private func attempt(_ call: Call) {
        call.tries += 1
        let pool = pools[call.target]
        call.target = (call.target + 1) % pools.count
        let answer = eventLoop.makePromise(of: UpstreamResponse.self)
        let attempt = Attempt(of: pool.target)
        call.attempt = attempt
        attempt.lease = UpstreamPool.Lease { result in
            switch result {
            case .success(let connection):
                attempt.connection = connection
                connection.send(call.request, promise: answer)
            case .failure(let failure): answer.fail(failure)
            }
        }
        let mayFollow = call.request.method.isIdempotent && call.tries < configuration.attempts
        let single = NIODeadline.now() + TimeAmount(configuration.perTryTimeout)
        setTimer(for: attempt, of: call, mayFollow ? min(call.deadline, single) : call.deadline)
        let bound = NIOLoopBound((self, call, attempt), eventLoop: eventLoop)
        answer.futureResult.whenComplete { result in
            let (client, call, attempt) = bound.value
            attempt.timer?.cancel()
            client.finished(call, attempt, result)
        }
        if let lease = attempt.lease { pool.serve(lease) }
    }

    private func setTimer(for attempt: Attempt, of call: Call, _ limit: NIODeadline) {
        let bound = NIOLoopBound((self, call, attempt), eventLoop: eventLoop)
        attempt.timer = eventLoop.scheduleTask(deadline: limit) {
            let (client, call, attempt) = bound.value
            client.timeIsUp(for: attempt, of: call)
        }
    }

    /// Ends a try that takes long if its call is over or another try follows; else it runs on.
    private func timeIsUp(for attempt: Attempt, of call: Call) {
        let failure = UpstreamFailure(.timedOut)
        if .now() < call.deadline {
            call.mayRetry = allowsRetry(call, after: failure)
            guard call.mayRetry else { return setTimer(for: attempt, of: call, call.deadline) }
        }
        attempt.end(failure)
    }

    private func allowsRetry(_ call: Call, after failure: UpstreamFailure) -> Bool {
        NIODeadline.now() < call.deadline && abandoned[ObjectIdentifier(call)] == nil
            && rule.allowsRetry(
                after: failure, tries: call.tries, isIdempotent: call.request.method.isIdempotent,
                isFirstRetry: !call.wasRetried)
    }

    /// A try under way, which can be ended wherever it stands.
    fileprivate final class Attempt {
        let target: UpstreamTarget
        var lease: UpstreamPool.Lease?
        var connection: UpstreamConnection?
        var timer: Scheduled<Void>?

        init(of target: UpstreamTarget) {
            self.target = target
        }

        func end(_ failure: UpstreamFailure) {
            if let connection {
                connection.abort(failure)
            } else {
                var failure = failure
                failure.wasSent = false
                _ = lease?.fulfil(.failure(failure))
            }
        }
    }

    private func finished(
        _ call: Call, _ attempt: Attempt, _ result: Result<UpstreamResponse, any Error>
    ) {
        call.attempt = nil
        let failure: UpstreamFailure
        switch result {
        case .success(let response):
            let mightBeBetterElsewhere = (502...504).contains(response.status) && pools.count > 1
            guard mightBeBetterElsewhere else { return end(call, .success(response)) }
            call.fallback = response
            failure = .broken("status \(response.status)")
        case .failure(let error):
            failure = error as? UpstreamFailure ?? .broken("\(type(of: error))")
        }
        call.wasSent = call.wasSent || failure.wasSent
        let retries = call.mayRetry || allowsRetry(call, after: failure)
        call.mayRetry = false
        // That a kept connection was closed is nothing to talk of, as long as another try follows.
        if case .failure = result, !retries || failure.kind == .broken {
            failures.note(
                failure, of: attempt.target, upstream: configuration.name,
                request: call.request.fields.first(name: "x-request-id"))
        }
        if retries {
            call.wasRetried = true
            self.attempt(call)
        } else if let fallback = call.fallback {
            end(call, .success(fallback))
        } else {
            var last = failure
            last.wasSent = call.wasSent
            end(call, .failure(last))
        }
    }

    private func end(_ call: Call, _ result: Result<UpstreamResponse, UpstreamFailure>) {
        abandoned[ObjectIdentifier(call)] = nil
        rule.callEnded(retried: call.wasRetried)
        duration.recordNanoseconds((NIODeadline.now() - call.began).nanoseconds)
        call.promise.completeWith(result.mapError { $0 as any Error })
    }
}
