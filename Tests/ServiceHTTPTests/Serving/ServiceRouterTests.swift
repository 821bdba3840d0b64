import CoreMetrics
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import JSONText
import Logging
import Observability
import ServiceHTTP
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(1)))
struct ServiceRouterTests {
    struct Secret: Error, CustomStringConvertible {
        var description: String { "password is swordfish" }
    }
    struct Away: Error {}

    private func router(logger: Logger = .quiet) -> ServiceRouter {
        let router = ServiceRouter(service: "things", logger: logger) { error in
            error is Away
                ? .unavailable("The store is away.", retryAfterSeconds: 2, cause: error) : nil
        }
        router.get("/things/{id}") { request, context in
            let id = try context.pathID()
            let tag = EntityTag("v1")
            if request.hasCurrent(tag) { return .notModified(tag) }
            return .json(headers: [.eTag: tag.description]) { $0.set("id", id) }
        }
        router.post("/things") { request, context in
            let name = try await request.readJSON(context) { $0.string("name") }
            return .json(.created, headers: [.location: "/things/1"]) { $0.set("name", name) }
        }
        router.get("/trace") { _, context in
            .json {
                $0.set("trace", context.trace.traceID)
                $0.set("span", context.trace.spanID)
                $0.set("request", context.requestID.description)
            }
        }
        router.get("/secret") { _, _ in throw Secret() }
        router.get("/away") { _, _ in throw Away() }
        router.get("/teapot") { _, _ in throw HTTPError(.init(code: 418, reasonPhrase: "Teapot")) }
        router.get("/declined") { _, _ in
            throw Problem(.paymentRequired, code: "card_declined", detail: "No.")
        }
        router.get("/busy") { _, _ in throw Problem.unavailable("Try again.") }
        return router
    }

    private func ask(
        _ method: HTTPRequest.Method, _ target: String, _ fields: HTTPFields = [:],
        body: String? = nil
    ) async throws -> TestResponse {
        try await Application(router: router(), logger: .quiet).test(.router) { client in
            try await client.execute(
                uri: target, method: method, headers: fields,
                body: body.map { ByteBuffer(string: $0) })
        }
    }

    private func problem(_ response: TestResponse) throws -> StrictJSON {
        #expect(response.headers[.contentType] == "application/problem+json")
        let json = try StrictJSON.parse(Array(response.body.readableBytesView))
        #expect(json["status"] == .integer(Int64(response.status.code)))
        #expect(json["type"] == .string("about:blank"))
        #expect(json["title"]?.string?.isEmpty == false)
        #expect(json["detail"]?.string?.isEmpty == false)
        return json
    }

    private let asJSON: HTTPFields = [.contentType: "application/json"]

    @Test func aRouteAnswers() async throws {
        let response = try await ask(.get, "/things/a%5F1")
        #expect(response.status == .ok)
        #expect(response.headers[.contentType] == "application/json")
        #expect(String(buffer: response.body) == #"{"id":"a_1"}"#)
    }

    @Test func headComesWithEveryGet() async throws {
        let response = try await ask(.head, "/things/1")
        #expect(response.status == .ok)
        #expect(response.headers[.contentLength] == "10")
        #expect(response.body.readableBytes == 0)
    }

    @Test func theVersionTheClientHasIsNotSentAgain() async throws {
        let response = try await ask(.get, "/things/1", [.ifNoneMatch: "\"v1\""])
        #expect(response.status == .notModified)
        #expect(response.body.readableBytes == 0)
        #expect(response.headers[.eTag] == "\"v1\"")
    }

    @Test(arguments: ["/", "/nothing", "/things/1/parts", "/Things", "//", "/thing s"])
    func anUnknownPathIsAProblem(path: String) async throws {
        let response = try await ask(.get, path)
        #expect(response.status == .notFound)
        #expect(try problem(response)["code"] == .string("not_found"))
    }

    @Test(arguments: [
        (HTTPRequest.Method.delete, "/things/1", "GET, HEAD"), (.get, "/things", "POST"),
        (HTTPRequest.Method("BREW") ?? .get, "/things", "POST"), (.options, "/trace", "GET, HEAD"),
    ])
    func aWrongMethodSaysWhichAreRight(
        method: HTTPRequest.Method, path: String, allowed: String
    ) async throws {
        let response = try await ask(method, path)
        #expect(response.status == .methodNotAllowed)
        #expect(response.headers[.allow] == allowed)
        #expect(try problem(response)["code"] == .string("method_not_allowed"))
    }

    @Test(arguments: [
        "%20", "a%20b", "%7Ba%7D", "{a}", "a%0Ab", "%00", "%C3%A9", "%ff", "%", "%zz", "%2e%2e",
        "..", "a:b", "a*", "a%2Fb", "a;b", String(repeating: "a", count: 65),
    ])
    func anUnacceptableIDIsNamed(id: String) async throws {
        let response = try await ask(.get, "/things/\(id)")
        #expect(response.status == .badRequest)
        let faults = try problem(response)["errors"]?.array
        #expect(faults?.count == 1)
        #expect(faults?.first?["parameter"] == .string("id"))
    }

    @Test func errorsThatNobodyKnowsTellNothing() async throws {
        let response = try await ask(.get, "/secret")
        #expect(response.status == .internalServerError)
        #expect(try problem(response)["code"] == .string("internal_error"))
        #expect(!String(buffer: response.body).contains("swordfish"))
    }

    @Test func aServiceSaysWhatItsErrorsMean() async throws {
        let response = try await ask(.get, "/away")
        #expect(response.status == .serviceUnavailable)
        #expect(response.headers[.retryAfter] == "2")
        #expect(try problem(response)["detail"] == .string("The store is away."))
    }

    @Test func problemsAndFrameworkErrorsKeepTheirStatus() async throws {
        let declined = try await ask(.get, "/declined?token=tok_secret")
        #expect(declined.status == .paymentRequired)
        #expect(try problem(declined)["instance"] == .string("/declined"))

        let teapot = try await ask(.get, "/teapot")
        #expect(teapot.status.code == 418)
        #expect(try problem(teapot)["code"] == .string("teapot"))
    }

    @Test func faultyFieldsAreNamedByPointers() async throws {
        let response = try await ask(.post, "/things", asJSON, body: "{\"name\":5}")
        #expect(response.status == .badRequest)
        let errors = try problem(response)["errors"]
        #expect(
            errors
                == .array([
                    .object([
                        .init(name: "pointer", value: .string("/name")),
                        .init(name: "detail", value: .string("must be a string, not a number")),
                    ])
                ]))
    }

    @Test(arguments: ["", "{", "{\"name\":\"a\",}", "nonsense", "{\"name\":\"a\"} {}"])
    func brokenJSONIsAProblem(body: String) async throws {
        let response = try await ask(.post, "/things", asJSON, body: body)
        #expect(response.status == .badRequest)
        #expect(try problem(response)["code"] == .string("malformed_json"))
    }

    @Test(
        arguments: [
            [:], [.contentType: "text/plain"], [.contentType: "application/x-www-form-urlencoded"],
            [.contentType: "application/json; charset=latin1"], [.contentType: "json"],
            [.contentType: "application/json", .contentEncoding: "gzip"],
        ] as [HTTPFields])
    func onlyPlainJSONIsRead(fields: HTTPFields) async throws {
        let response = try await ask(.post, "/things", fields, body: "{\"name\":\"a\"}")
        #expect(response.status == .unsupportedMediaType)
        _ = try problem(response)
    }

    @Test(arguments: [
        "application/json", "Application/JSON ; charset=UTF-8", "application/json; charset=utf8",
        "application/json;charset=\"UTF8\"", "application/merge-patch+json",
    ])
    func jsonTypesAreRead(type: String) async throws {
        let response = try await ask(
            .post, "/things", [.contentType: type], body: "{\"name\":\"a\"}")
        #expect(response.status == .created)
        #expect(response.headers[.location] == "/things/1")
    }

    @Test func sizesAreLimited() async throws {
        let large = try await ask(
            .post, "/things", asJSON, body: "\"" + String(repeating: "a", count: 2_000_000) + "\"")
        #expect(large.status == .contentTooLarge)
        #expect(try problem(large)["code"] == .string("body_too_large"))

        let long = try await ask(.get, "/things/1?q=" + String(repeating: "a", count: 10_000))
        #expect(long.status == .uriTooLong)
        #expect(try problem(long)["code"] == .string("target_too_long"))

        let name = try #require(HTTPField.Name("X-Large"))
        let wide = try await ask(.get, "/things/1", [name: String(repeating: "a", count: 40_000)])
        #expect(wide.status.code == 431)
        #expect(try problem(wide)["code"] == .string("headers_too_large"))
    }

    @Test func theCallersNameAndTraceAreKept() async throws {
        let requestID = try #require(HTTPField.Name("X-Request-Id"))
        let traceparent = try #require(HTTPField.Name("traceparent"))
        let caller = TraceContext()
        let response = try await ask(
            .get, "/trace", [requestID: "abc-1", traceparent: caller.traceparent])
        let json = try StrictJSON.parse(Array(response.body.readableBytesView))

        #expect(response.headers[requestID] == "abc-1")
        #expect(json["request"] == .string("abc-1"))
        #expect(json["trace"] == .string(caller.traceID))
        #expect(json["span"] != .string(caller.spanID))
    }

    @Test func harmfulNamesAndTracesAreReplaced() async throws {
        let requestID = try #require(HTTPField.Name("X-Request-Id"))
        let traceparent = try #require(HTTPField.Name("traceparent"))
        let response = try await ask(.get, "/nothing", [requestID: "a b", traceparent: "00-zz"])

        let name = try #require(response.headers[requestID])
        #expect(name != "a b" && RequestName(accepting: name) != nil)
        #expect(try problem(response)["requestId"] == .string(name))
    }

    @Test func noSecretOfARequestIsLogged() async throws {
        let canary = "c4n4ry"
        let written = Mutex<[String]>([])
        var configuration = LogConfiguration()
        configuration.level = .trace
        let sink = LogSink { line in
            written.withLock { $0.append(String(decoding: line, as: UTF8.self)) }
        }
        let logger = Logger(label: "test") { label in
            LineLogHandler(label: label, configuration: configuration, sink: sink)
        }
        let fields: HTTPFields = [
            .authorization: "Bearer \(canary)", .cookie: "session=\(canary)",
            .contentType: "application/json",
        ]

        try await Application(router: router(logger: logger), logger: logger).test(.router) {
            for (method, target) in [
                (HTTPRequest.Method.post, "/things"), (.get, "/things/1"), (.get, "/secret"),
                (.get, "/away"), (.get, "/none"), (.put, "/things"),
            ] {
                _ = try await $0.execute(
                    uri: target + "?key=\(canary)", method: method, headers: fields,
                    body: ByteBuffer(string: "{\"token\":\"\(canary)\"}"))
            }
        }

        let lines = written.withLock { $0 }
        #expect(lines.filter { $0.contains("request answered") }.count == 6)
        #expect(lines.allSatisfy { !$0.contains(canary) })
    }

    @Test(arguments: [
        ("/secret", "level=error", "swordfish"), ("/away", "level=warning", "Away"),
        ("/teapot", nil, ""), ("/busy", nil, ""), ("/things/a%20b", nil, ""), ("/nowhere", nil, ""),
    ])
    func whatIsNotTheClientsFaultIsLoggedOnceWithItsCause(
        path: String, level: String?, cause: String
    ) async throws {
        let lines = Mutex<[String]>([])
        let sink = LogSink { line in
            lines.withLock { $0.append(String(decoding: line, as: UTF8.self)) }
        }
        let logger = Logger(label: "test") { LineLogHandler(label: $0, sink: sink) }
        try await Application(router: router(logger: logger), logger: .quiet).test(.router) {
            _ = try await $0.execute(
                uri: path, method: .get, headers: [.init("X-Request-Id")!: "r-1"])
        }

        let failures = lines.withLock { $0 }.filter { $0.contains("request failed") }
        #expect(failures.count == (level == nil ? 0 : 1))
        for line in failures {
            #expect(line.contains(level ?? ""))
            #expect(line.contains(cause))
            #expect(line.contains("method=GET path=\(path) request_id=r-1"))
        }
    }

    @Test func outageIsTheFirstLineAndACount() async throws {
        let lines = Mutex<[String]>([])
        let sink = LogSink { line in
            lines.withLock { $0.append(String(decoding: line, as: UTF8.self)) }
        }
        let logger = Logger(label: "test") { LineLogHandler(label: $0, sink: sink) }
        try await withRunningServer(router(logger: logger)) { port, _ in
            let client = JSONClient(baseURL: "http://127.0.0.1:\(port)")
            for _ in 0..<20 { _ = try await client.get("/away") }
            for _ in 0..<2 { _ = try await client.get("/secret") }
            await client.shutdown()
        }

        let written = lines.withLock { $0 }
        func count(_ parts: String...) -> Int {
            written.count { line in parts.allSatisfy { line.contains($0) } }
        }
        #expect(count("request answered", "status=503") == 20)
        #expect(count("request failed", "Away") == 1)
        #expect(count("requests failed again", "Away", "times=19", "service=things") == 1)
        #expect(count("request answered", "status=500") == 2)
        #expect(count("request failed", "swordfish") == 2)
    }

    @Test func requestsAreCountedByRouteAndStatus() async throws {
        let registry = PrometheusRegistry()
        try await withMetricsFactory(PrometheusMetricsFactory(registry)) {
            try await Application(router: router(), logger: .quiet).test(.router) { client in
                for target in ["/things/1", "/things/2", "/things/a%20b", "/a", "/b"] {
                    _ = try await client.execute(uri: target, method: .get)
                }
            }
        }

        let text = String(decoding: registry.text(), as: UTF8.self)
        let count = "http_server_request_duration_seconds_count"
        func labels(_ route: String, _ status: Int) -> String {
            #"{method="GET",route="\#(route)",service="things",status="\#(status)"}"#
        }
        #expect(text.contains("\(count)\(labels("/things/{id}", 200)) 2\n"))
        #expect(text.contains("\(count)\(labels("/things/{id}", 400)) 1\n"))
        #expect(text.contains("\(count)\(labels("none", 404)) 2\n"))
    }
}
