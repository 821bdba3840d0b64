import JSONText
import OrderContracts
import ServiceHTTP
import Testing

@testable import ProductService

@Suite(.timeLimit(.minutes(1)))
struct ProductTests {
    private static let good = Product(
        name: "Mug", description: "Blue", price: Money(amount: 700, currency: "EUR"))

    @Test func recordIsReadAsItWasWritten() {
        #expect(Product(fields: Self.good.fields) == Self.good)
        for field in Self.good.fields.keys {
            var fields = Self.good.fields
            fields[field] = nil
            #expect(Product(fields: fields) == nil, "\(field) is missing")
        }
    }

    @Test func bodyIsReadAsItIsWritten() throws {
        let json = #"{"name":"Mug","description":"Blue","price":{"amount":700,"currency":"EUR"}}"#
        let item = try JSONDocument(Array(json.utf8)).read { Product($0) }

        #expect(item == Self.good)
        #expect(String(decoding: JSONWriter.object { item.write(to: &$0) }, as: UTF8.self) == json)
    }

    @Test(arguments: [
        ("{}", ["/name", "/price"]),
        (#"{"name":"a","price":{}}"#, ["/price/amount", "/price/currency"]),
        (#"{"name":"a","price":5}"#, ["/price"]),
        (#"{"name":"a","price":{"amount":0,"currency":"EUR"}}"#, ["/price/amount"]),
        (#"{"name":"a","price":{"amount":-5,"currency":"EUR"}}"#, ["/price/amount"]),
        (#"{"name":"a","price":{"amount":9.99,"currency":"EUR"}}"#, ["/price/amount"]),
        (#"{"name":"a","price":{"amount":"9","currency":"EUR"}}"#, ["/price/amount"]),
        (#"{"name":"a","price":{"amount":1e3,"currency":"EUR"}}"#, ["/price/amount"]),
        (
            #"{"name":"a","price":{"amount":99999999999999999999,"currency":"E"}}"#,
            ["/price/amount", "/price/currency"]
        ),
        (#"{"name":"a","description":7,"price":{"amount":1,"currency":"EUR"}}"#, ["/description"]),
        (#"{"name":"","price":{"amount":1,"currency":"eur"}}"#, ["/name", "/price/currency"]),
        ("[]", [""]),
    ])
    func everyFaultyFieldIsNamed(body: String, pointers: [String]) {
        #expect(faults(in: body) { _ = Product($0) } == pointers)
    }

    @Test(arguments: [
        (#"{"name":null}"#, "/name"), (#"{"price":null}"#, "/price"),
        (#"{"price":{"amount":0}}"#, "/price/amount"), (#"{"id":"2"}"#, "/id"),
        (#"{"price":{"amont":5}}"#, "/price/amont"), ("[]", ""),
    ])
    func faultyPatchIsRefused(body: String, pointer: String) {
        #expect(faults(in: body) { _ = Product.change($0) } == [pointer])
    }

    @Test func patchChangesWhatItNames() throws {
        #expect(try changed(by: "{}") == Self.good)
        let cheaper = try changed(by: #"{"description":"","price":{"amount":500}}"#)
        #expect(
            cheaper
                == Product(
                    name: "Mug", description: "", price: Money(amount: 500, currency: "EUR")))
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

    private func changed(by patch: String) throws -> Product {
        let change = try JSONDocument(Array(patch.utf8)).read { Product.change($0) }
        var item = Self.good
        change(&item)
        return item
    }
}
