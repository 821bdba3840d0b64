import JSONText
import ServiceHTTP
import Testing

@testable import UserService

@Suite(.timeLimit(.minutes(1)))
struct UserTests {
    private static let good = User(name: "Katherine", email: "kj@example.com")

    @Test func recordIsReadAsItWasWritten() {
        #expect(User(fields: Self.good.fields) == Self.good)
        for field in Self.good.fields.keys {
            var fields = Self.good.fields
            fields[field] = nil
            #expect(User(fields: fields) == nil, "\(field) is missing")
        }
    }

    @Test func bodyIsReadAsItIsWritten() throws {
        let json = #"{"name":"Katherine","email":"kj@example.com"}"#
        let item = try JSONDocument(Array(json.utf8)).read { User($0) }

        #expect(item == Self.good)
        #expect(String(decoding: JSONWriter.object { item.write(to: &$0) }, as: UTF8.self) == json)
    }

    @Test(arguments: [
        ("{}", ["/name", "/email"]),
        (#"{"name":"","email":"a"}"#, ["/name", "/email"]),
        (#"{"name":"  ","email":"a@b.c"}"#, ["/name"]),
        (#"{"name":5,"email":null}"#, ["/name", "/email"]),
        (#"{"name":"a\nb","email":"a b@c.d"}"#, ["/name", "/email"]),
        (#"{"name":"a","email":"a@@b.c"}"#, ["/email"]),
        (#"{"name":"a","email":"@b.c"}"#, ["/email"]),
        (#"{"name":"a","email":"a@b"}"#, ["/email"]),
        (#"{"name":"a","email":"a@b."}"#, ["/email"]),
        (#"{"name":["a"],"email":{"a":1}}"#, ["/name", "/email"]),
        ("[]", [""]),
    ])
    func everyFaultyFieldIsNamed(body: String, pointers: [String]) {
        #expect(faults(in: body) { _ = User($0) } == pointers)
    }

    @Test(arguments: [
        (#"{"name":null}"#, "/name"), (#"{"email":"nobody"}"#, "/email"),
        (#"{"id":"2"}"#, "/id"), (#"{"nmae":"a"}"#, "/nmae"), ("[]", ""),
    ])
    func faultyPatchIsRefused(body: String, pointer: String) {
        #expect(faults(in: body) { _ = User.change($0) } == [pointer])
    }

    @Test func patchChangesWhatItNames() throws {
        #expect(try changed(by: "{}") == Self.good)
        let renamed = try changed(by: #"{"name":"New"}"#)
        #expect(renamed == User(name: "New", email: Self.good.email))
        let moved = try changed(by: #"{"email":"new@example.com"}"#)
        #expect(moved == User(name: Self.good.name, email: "new@example.com"))
    }

    private func faults(in body: String, _ read: (FieldReader) -> Void) -> [String] {
        do throws(Problem) {
            try JSONDocument(Array(body.utf8)).read(unknown: .refused, read)
            return []
        } catch {
            return error.faults.map { fault in
                if case .pointer(let pointer) = fault.place { pointer } else { "elsewhere" }
            }
        }
    }

    private func changed(by patch: String) throws -> User {
        let change = try JSONDocument(Array(patch.utf8)).read { User.change($0) }
        var item = Self.good
        change(&item)
        return item
    }
}
