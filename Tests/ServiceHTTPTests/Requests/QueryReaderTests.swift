import HTTPTypes
import Hummingbird
import ServiceHTTP
import Testing

@Suite(.timeLimit(.minutes(1)))
struct QueryReaderTests {
    private func request(_ target: String) -> Request {
        Request(
            head: HTTPRequest(method: .get, scheme: "http", authority: "h", path: target),
            body: RequestBody(buffer: ByteBuffer()))
    }

    private func page(_ query: String) throws -> [String] {
        try request("/users" + query).readQuery { query in
            [
                "\(query.integer("limit", in: 1...100) ?? 20)", query.identifier("after") ?? "-",
                query.string("q", bytesMaximum: 8) ?? "-",
            ]
        }
    }

    @Test(arguments: [
        ("", ["20", "-", "-"]), ("?", ["20", "-", "-"]), ("?limit=5&after=a-1", ["5", "a-1", "-"]),
        ("?after=%61%2D1&q=a%20b+c", ["20", "a-1", "a b c"]),
        ("?other=1&&limit=100", ["100", "-", "-"]),
    ])
    func parametersAreRead(query: String, expected: [String]) throws {
        #expect(try page(query) == expected)
    }

    @Test(arguments: [
        ("?limit=0", ["limit"]), ("?limit=101", ["limit"]), ("?limit=", ["limit"]),
        ("?limit", ["limit"]), ("?limit=1.0", ["limit"]), ("?limit=5&limit=5", ["limit"]),
        ("?limit=99999999999999999999", ["limit"]), ("?after=", ["after"]),
        ("?after=%0d%0a", ["after"]), ("?after=%", ["after"]), ("?after=%zz", ["after"]),
        ("?after=%ff", ["after"]), ("?limit=x&after=a%20b&q=123456789", ["limit", "after", "q"]),
    ])
    func everyFaultyParameterIsNamed(query: String, names: [String]) {
        let problem = #expect(throws: Problem.self) { try page(query) }
        #expect(problem?.faults.map(\.place) == names.map { .parameter($0) })
        #expect(problem?.status == .badRequest)
    }
}
