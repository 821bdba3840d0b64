/// The methods that the gateway routes; any other is answered with 501.
public enum RequestMethod: String, Sendable, Hashable, CaseIterable {
    /// Reads; safe.
    case get = "GET"
    /// Reads without the body; answered from what GET would give.
    case head = "HEAD"
    /// Creates or acts; neither safe nor idempotent.
    case post = "POST"
    /// Replaces; idempotent.
    case put = "PUT"
    /// Changes in part.
    case patch = "PATCH"
    /// Removes; idempotent.
    case delete = "DELETE"
    /// Asks which methods there are; answered by the gateway itself.
    case options = "OPTIONS"

    /// Whether the method asks for no change, so that an answer may come from the cache.
    public var isSafe: Bool {
        self == .get || self == .head || self == .options
    }

    /// Whether sending it twice has the effect of sending it once, so that it may be tried again.
    public var isIdempotent: Bool {
        self != .post && self != .patch
    }

    /// The method whose name the bytes are, letter for letter.
    init?(_ bytes: UnsafeRawBufferPointer) {
        switch bytes.count {
        case 3 where bytes.spells("GET"): self = .get
        case 3 where bytes.spells("PUT"): self = .put
        case 4 where bytes.spells("POST"): self = .post
        case 4 where bytes.spells("HEAD"): self = .head
        case 5 where bytes.spells("PATCH"): self = .patch
        case 6 where bytes.spells("DELETE"): self = .delete
        case 7 where bytes.spells("OPTIONS"): self = .options
        default: return nil
        }
    }
}

extension UnsafeRawBufferPointer {
    /// Whether these are the bytes of `text`, letter for letter.
    func spells(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        for index in 0..<count where self[index] != text.utf8Start[index] { return false }
        return true
    }

    /// Whether these are the bytes of the lower-case `text`, letters of either case.
    func spellsIgnoringCase(_ text: StaticString) -> Bool {
        guard count == text.utf8CodeUnitCount else { return false }
        for index in 0..<count where ByteClass.lowercased(self[index]) != text.utf8Start[index] {
            return false
        }
        return true
    }
}
