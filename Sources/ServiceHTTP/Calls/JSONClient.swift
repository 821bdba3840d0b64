import AsyncHTTPClient
import JSONText
import NIOCore
import NIOHTTP1
import Observability
import TurnTaking

/// Calls one other service: JSON over HTTP, a time-out on every call, no redirects, no retries.
///
/// Who calls decides what an answer means and whether to ask again; an answer of any status is an
/// answer. A call that got none may still have taken effect over there, which is why everything
/// that changes something goes out with an idempotency key. One that had no connection to go out
/// on has not, and its error says so.
///
///     wait for one of so many connections ─▶ connect ─▶ send, wait for the answer
///         `connectionWait`, in order         `timeout`     `timeout`
///         not sent                           not sent      no answer
public final class JSONClient: Sendable {
    private let base: String
    private let timeout: TimeAmount
    private let connectionWait: Duration
    private let turns: TurnQueue
    private let http: HTTPClient

    /// A client of the service at `baseURL`, holding at most `connections` connections to it.
    ///
    /// Call ``shutdown()`` when done, to wait for the connections' end.
    ///
    /// - Parameters:
    ///   - timeout: how long a call may take, from its connection on.
    ///   - connectionWait: how long a call waits for a connection that others use; as long as it
    ///     may take itself, if nil.
    public init(
        baseURL: String, timeout: Duration = .seconds(2), connections: Int = 64,
        connectionWait: Duration? = nil
    ) {
        turns = TurnQueue(atMost: connections)
        self.connectionWait = connectionWait ?? timeout
        base = baseURL.hasSuffix("/") ? String(baseURL.dropLast()) : baseURL
        self.timeout = TimeAmount(timeout)
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow,
            timeout: .init(connect: self.timeout, read: self.timeout, write: self.timeout))
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = connections
        // A refused connection is news at once, not after the time-out.
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.httpVersion = .http1Only
        http = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    deinit {
        // For owners that never came to run; a second shutdown changes nothing.
        _ = http.shutdown()
    }

    /// Reads a resource.
    ///
    /// `path` begins with a slash and is already percent-encoded.
    public func get(_ path: String) async throws(CallError) -> JSONAnswer {
        try await call(HTTPClientRequest(url: base + path))
    }

    /// Sends a body, under an idempotency key so that sending it again changes nothing more.
    public func post(
        _ path: String, _ body: some Encodable & Sendable, idempotencyKey: String
    ) async throws(CallError) -> JSONAnswer {
        var request = HTTPClientRequest(url: base + path)
        request.method = .POST
        request.headers.add(name: "content-type", value: "application/json")
        request.headers.add(name: "idempotency-key", value: idempotencyKey)
        do {
            request.body = .bytes(ByteBuffer(bytes: try JSONCoder.encode(body)))
        } catch {
            throw CallError(.unreadable, "the body to send to \(path) is not JSON", cause: error)
        }
        return try await call(request)
    }

    /// Asks for something that can be refused, under an idempotency key.
    ///
    /// Only what the other service documents as a refusal is one: any other answer, as that a key
    /// is in use or not known, says nothing of what an earlier call did. Throws if it stays unknown
    /// whether the call took effect: no answer, one of another kind, or an unreadable one.
    public func submit<Answer: Decodable>(
        _ path: String, _ body: some Encodable & Sendable, idempotencyKey: String,
        refusals: Set<DocumentedRefusal>, for type: Answer.Type = Answer.self
    ) async throws(CallError) -> Submission<Answer> {
        let answer = try await post(path, body, idempotencyKey: idempotencyKey)
        if (200...299).contains(answer.status) { return .accepted(try answer.decode(type)) }
        let refusal = Refusal(answer)
        guard refusals.contains(where: { $0.matches(answer.status, answer.problem?.code) }) else {
            throw unexpected(answer, path)
        }
        return .refused(refusal)
    }

    /// Asks for something that must be done in the end, under an idempotency key.
    ///
    /// Throws for anything but success, a refusal too: it has to be asked for again.
    public func insist<Answer: Decodable>(
        _ path: String, _ body: some Encodable & Sendable, idempotencyKey: String,
        for type: Answer.Type = Answer.self
    ) async throws(CallError) -> Answer {
        let answer = try await post(path, body, idempotencyKey: idempotencyKey)
        guard (200...299).contains(answer.status) else { throw unexpected(answer, path) }
        return try answer.decode(type)
    }

    private func unexpected(_ answer: JSONAnswer, _ path: String) -> CallError {
        let reason = answer.problem?.code.map { " (\($0))" } ?? ""
        return CallError(.unexpected, "\(base)\(path) answered \(answer.status)\(reason)")
    }

    /// Closes every connection.
    ///
    /// Calls under way fail.
    public func shutdown() async {
        try? await http.shutdown()
    }

    /// Waits for a connection.
    private func connection() async throws(CallError) -> TurnQueue.Turn {
        let turn = turns.enter()
        if turn.isGranted { return turn }
        await ConnectionWait.observed { [connectionWait] in
            let waiting = Task { await turn.wait() }
            let alarm = Task {
                guard (try? await Task.sleep(for: connectionWait)) != nil else { return }
                waiting.cancel()
            }
            await withTaskCancellationHandler {
                await waiting.value
            } onCancel: {
                waiting.cancel()
            }
            alarm.cancel()
        }
        if turn.isGranted { return turn }
        turn.leave()
        throw CallError(.notSent, "no connection to \(base) was free in time")
    }

    private func call(_ plain: HTTPClientRequest) async throws(CallError) -> JSONAnswer {
        var request = plain
        request.headers.add(name: "accept", value: "application/json, application/problem+json")
        let origin = CallOrigin.current
        let trace = origin?.trace.child() ?? TraceContext()
        request.headers.add(name: "traceparent", value: trace.traceparent)
        if let name = origin?.requestID {
            request.headers.add(name: "x-request-id", value: name.description)
        }
        let connection = try await connection()
        defer { connection.leave() }
        do {
            // Silence ends sooner, when `timeout` has passed after the request went out.
            let response = try await http.execute(request, timeout: timeout * 2)
            let body = try await response.body.collect(upTo: Self.largestAnswer)
            return JSONAnswer(status: Int(response.status.code), body: body)
        } catch {
            if UnsentReason.isOne(error) {
                throw CallError(.notSent, "no connection to \(base): \(error)", cause: error)
            }
            throw CallError(.noAnswer, "no answer from \(plain.url): \(error)", cause: error)
        }
    }

    /// What the services we call answer is far smaller; more than this is not an answer.
    private static let largestAnswer = 256 * 1024
}
