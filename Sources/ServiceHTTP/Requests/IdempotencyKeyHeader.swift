import HTTPTypes
public import Hummingbird

extension Request {
    /// The client's name for this attempt, from `Idempotency-Key`; nil if there is none.
    ///
    /// A structured string (`"abc"`) or bare: 1 to 255 visible ASCII characters without `"` and
    /// `\`. Throws a 400 that names the header for anything else.
    public func idempotencyKey() throws(Problem) -> String? {
        let values = HTTPField.Name("Idempotency-Key").map { headers[values: $0] } ?? []
        guard let value = values.first else { return nil }
        var key = value[...]
        if key.count >= 2, key.hasPrefix("\""), key.hasSuffix("\"") {
            key = key.dropFirst().dropLast()
        }
        let isAcceptable =
            values.count == 1 && (1...255).contains(key.utf8.count)
            && key.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != 0x22 && $0 != 0x5C }
        guard isAcceptable else {
            throw .invalid([
                Problem.Fault(
                    .header("Idempotency-Key"),
                    "must be 1 to 255 visible ASCII characters, given once")
            ])
        }
        return String(key)
    }

    /// Like ``idempotencyKey()``, but a missing key is a 400, code `idempotency_key_missing`.
    public func requiredIdempotencyKey() throws(Problem) -> String {
        guard let key = try idempotencyKey() else { throw .keyMissing }
        return key
    }
}

extension Problem {
    fileprivate static let keyMissing = Problem(
        .badRequest, code: "idempotency_key_missing",
        detail: "This request needs an Idempotency-Key, so that it can be repeated safely.",
        faults: [Fault(.header("Idempotency-Key"), "is missing")])
}
