import Testing

@testable import troupe

/// Whatever comes in, the answer is a problem that a client can read, and nothing happens.
@Suite(.system, .timeLimit(.minutes(3)))
struct BadInputTests {
    private static let bodies: [(String, String)] = {
        let good = RunningSystem.order("1")
        func with(_ old: String, _ new: String) -> String {
            good.replacing(old, with: new)
        }
        let quantity = #""quantity":1"#
        return [
            ("unknown user", with(#""userId":"1""#, #""userId":"nobody""#)),
            ("unknown product", with(#""productId":"1""#, #""productId":"nothing""#)),
            ("quantity 0", with(quantity, #""quantity":0"#)),
            ("negative quantity", with(quantity, #""quantity":-1"#)),
            ("huge quantity", with(quantity, #""quantity":99999999999999999999"#)),
            ("largest integer", with(quantity, #""quantity":9223372036854775807"#)),
            ("fractional quantity", with(quantity, #""quantity":1.5"#)),
            ("quantity as text", with(quantity, #""quantity":"1""#)),
            ("missing quantity", with(quantity + ",", "")),
            ("missing payment", #"{"userId":"1","productId":"1","quantity":1}"#),
            ("payment of a wrong type", with(#"{"method":"card","token":"tok_visa"}"#, "7")),
            ("unknown method", with("card", "cash")),
            ("country that is none", with(#""DE""#, #""Germany""#)),
            ("country that is not assigned", with(#""DE""#, #""ZZ""#)),
            ("postcode of another country", with(#""10115""#, #""SW1A 1AA""#)),
            ("street of one zero-width space", with("Main St 1", "\u{200B}")),
            ("user of a wrong type", with(#""userId":"1""#, #""userId":1"#)),
            ("ID with spaces", with(#""userId":"1""#, #""userId":"a b""#)),
            ("ID with braces", with(#""productId":"1""#, #""productId":"{order}""#)),
            ("ID with a newline", with(#""userId":"1""#, #""userId":"a\nb""#)),
            (
                "ID of 10 KB",
                with(#""userId":"1""#, #""userId":"\#(String(repeating: "x", count: 10_240))""#)
            ),
            ("broken JSON", String(good.dropLast(3))),
            ("trailing comma", good.dropLast() + ",}"),
            ("two objects", good + good),
            ("a list", "[\(good)]"),
            ("nothing", ""),
            ("no JSON", "hello"),
            ("deep nesting", String(repeating: "[", count: 5_000)),
            ("2 MB", with("Main St 1", String(repeating: "x", count: 2_097_152))),
        ]
    }()

    @Test(arguments: BadInputTests.bodies)
    func badOrderIsRefusedWithoutEffect(what: String, body: String) async throws {
        let system = try RunningSystem.current
        let before = try await orderIDs()

        let answer = try await system.place(body)

        #expect((400..<500).contains(answer.status), "\(what): \(answer.status)")
        #expect(
            answer.headers["content-type"]?.hasPrefix("application/problem+json") == true,
            "\(what): \(answer)")
        #expect(answer.integer("status") == answer.status, "\(what)")
        #expect(answer.text("title") != nil, "\(what)")
        #expect(try await orderIDs() == before, "\(what)")
    }

    @Test func everyBadFieldIsNamed() async throws {
        let answer = try await RunningSystem.current.place(
            #"{"userId":7,"quantity":0,"payment":{"method":"card","token":"tok_visa"},"#
                + #""shipping":{"street":"s","city":"c","postcode":"10115","country":"DE"}}"#)

        let pointers = answer.list("errors").compactMap { $0.text("pointer") }
        #expect(Set(pointers) == ["/userId", "/productId", "/quantity"], "\(answer)")
    }

    @Test(arguments: [
        "/orders/nope", "/orders/%7Border%7D", "/orders/a%20b", "/orders/a%0Ab", "/nowhere",
        "/orders/nope/details", "/users/nope", "/products/nope", "/payments/nope",
        "/shipments/nope", "/inventory/nope", "/orders?limit=0", "/orders?limit=many",
        "/orders/\(String(repeating: "x", count: 2_000))",
    ])
    func badPathIsAProblem(path: String) async throws {
        let answer = try await Web.get("\(RunningSystem.current.gateway)\(path)")

        #expect((400..<500).contains(answer.status), "\(path): \(answer)")
        #expect(
            answer.headers["content-type"]?.hasPrefix("application/problem+json") == true,
            "\(path): \(answer)")
    }

    @Test func wrongMethodIsToldTheRightOnes() async throws {
        let answer = try await Web.send("DELETE", "\(RunningSystem.current.gateway)/orders/1", "")

        #expect(answer.status == 405)
        #expect(answer.headers["allow"]?.contains("GET") == true)
    }

    @Test(arguments: ["PUT", "POST"])
    func badStockIsRefused(method: String) async throws {
        let system = try RunningSystem.current
        let product = try await system.newProduct(stock: 3)
        for body in [#"{"available":-1}"#, #"{"available":1.5}"#, "{}", "[]", "{"] {
            let answer = try await Web.send(
                method, "\(system.url(of: .inventory))/inventory/\(product)", body)

            #expect((400..<500).contains(answer.status), "\(body): \(answer)")
        }
        #expect(try await system.stock(of: product) == [3, 0, 0])
    }

    /// The newest orders; the suite's tests place none that are good.
    private func orderIDs() async throws -> [String] {
        let page = try await Web.get("\(RunningSystem.current.url(of: .orders))/orders?limit=100")
        #expect(page.status == 200)
        let ids = page.list("items").compactMap { $0.text("id") }
        #expect(ids.contains("1"))
        return ids
    }
}
