import ServiceHTTP
import Testing

@Suite(.timeLimit(.minutes(1)))
struct FieldReaderTests {
    struct Draft: Equatable {
        var userID: String
        var quantity: Int
        var method: String
        var city: String
        var note: String?
    }

    private func draft(
        _ json: String, unknown: FieldReader.Unknown = .ignored
    ) throws -> Draft {
        try JSONDocument(Array(json.utf8)).read(unknown: unknown) { fields in
            Draft(
                userID: fields.identifier("userId"),
                quantity: fields.integer("quantity", in: 1...1000),
                method: fields.object("payment") { $0.choice("method", of: ["card"]) },
                city: fields.object("shipping") { $0.string("city", length: 1...5) },
                note: fields.optionalString("note"))
        }
    }

    /// Pointers and details of the faults, as `pointer: detail`.
    private func faults(_ json: String, unknown: FieldReader.Unknown = .ignored) -> [String] {
        do {
            _ = try draft(json, unknown: unknown)
            return []
        } catch let problem as Problem {
            return problem.faults.map { fault in
                guard case .pointer(let pointer) = fault.place else { return "?" }
                return "\(pointer): \(fault.detail)"
            }
        } catch {
            return ["\(error)"]
        }
    }

    private let good =
        #"{"userId":"1","quantity":2,"payment":{"method":"card"},"shipping":{"city":"Köln"}}"#

    @Test func aGoodDocumentIsRead() throws {
        #expect(
            try draft(good)
                == Draft(userID: "1", quantity: 2, method: "card", city: "Köln", note: nil))
    }

    @Test func everyFaultIsNamedAtOnce() {
        let json = #"{"userId":"a b","quantity":0,"payment":[],"shipping":{"city":""},"note":null}"#
        #expect(
            faults(json) == [
                "/userId: must be 1 to 64 of the characters A-Z a-z 0-9 _ -",
                "/quantity: must be an integer from 1 to 1000",
                "/payment: must be an object, not an array",
                "/shipping/city: must have 1 to 5 characters",
                "/note: must be a string, not null",
            ])
    }

    @Test func missingFieldsAreNamedOnce() {
        #expect(
            faults("{}") == [
                "/userId: is missing; it must be a string",
                "/quantity: is missing; it must be an integer",
                "/payment: is missing; it must be an object",
                "/shipping: is missing; it must be an object",
            ])
    }

    @Test(arguments: [
        "0", "-1", "1001", "1.0", "1.5", "1e2", "99999999999999999999", "-9223372036854775808",
        "\"1\"", "null", "true", "[]", "{}",
    ])
    func onlyIntegersWithinTheRangeAreIntegers(value: String) {
        let json = good.replacing("\"quantity\":2", with: "\"quantity\":\(value)")
        #expect(faults(json).count == 1)
        #expect(faults(json).first?.hasPrefix("/quantity: must be an integer") == true)
    }

    @Test(arguments: [
        "", "\u{7F}", "a\\nb", "a\\u0000", "\\u2028", "   ", "\\t", "toolong", "\\u0085",
    ])
    func textsStayOnOneLineAndWithinTheirLength(value: String) {
        let json = good.replacing("Köln", with: value)
        #expect(faults(json).count == 1)
    }

    @Test(arguments: [
        "", ".", "..", "a.b", "a~b", "a b", "{a}", "a\\nb", "a/b", "a:b", "é", "*", "%41",
        String(repeating: "a", count: 65), String(repeating: "a", count: 10_240),
    ])
    func identifiersCannotBreakOutOfAKeyOrAPath(value: String) {
        let json = good.replacing("\"userId\":\"1\"", with: "\"userId\":\"\(value)\"")
        #expect(faults(json).count == 1)
    }

    @Test func unknownMembersAreIgnoredOrRefused() {
        let json = good.replacing("{\"city\"", with: "{\"c/~y\":1,\"city\"")
        #expect(faults(json) == [])
        #expect(
            faults(json, unknown: .refused)
                == ["/shipping/c~1~0y: is not a field that can be given here"])
    }

    @Test func theBodyMustBeAnObject() {
        #expect(faults("[]") == [": must be an object, not an array"])
    }

    @Test func codesAreCapitals() throws {
        let document = try JSONDocument(
            Array(#"{"a":"EUR","b":"eur","c":"EURO","d":"DE","e":"D1"}"#.utf8))
        let problem = #expect(throws: Problem.self) {
            try document.read { fields in
                [
                    fields.currency("a"), fields.currency("b"), fields.currency("c"),
                    fields.country("d"), fields.country("e"),
                ]
            }
        }
        #expect(
            problem?.faults.map(\.place) == [.pointer("/b"), .pointer("/c"), .pointer("/e")])
    }
}
