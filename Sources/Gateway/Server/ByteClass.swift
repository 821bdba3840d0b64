/// What each byte may be in HTTP and in a URI (RFC 9110 section 5.6.2, RFC 3986 section 3.3).
struct ByteClass: OptionSet {
    let rawValue: UInt8

    /// A letter of a method or a field name.
    static let token = ByteClass(rawValue: 1)
    /// May stand in a field value: anything visible, space, tab, and bytes from 0x80.
    static let fieldValue = ByteClass(rawValue: 2)
    /// May stand unescaped in a path segment, `/` included, `%` excluded.
    static let path = ByteClass(rawValue: 4)
    /// May stand unescaped in a query, `%` excluded.
    static let query = ByteClass(rawValue: 8)
    /// Means the same escaped and unescaped (RFC 3986 section 2.3).
    static let unreserved = ByteClass(rawValue: 16)
    /// May stand in a host or its port.
    static let authority = ByteClass(rawValue: 32)

    @inline(__always)
    static func of(_ byte: UInt8) -> ByteClass {
        ByteClass(rawValue: table[Int(byte)])
    }

    @inline(__always)
    static func lowercased(_ byte: UInt8) -> UInt8 {
        byte &- 0x41 < 26 ? byte | 0x20 : byte
    }

    /// The value of a hexadecimal digit.
    @inline(__always)
    static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte &- UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte &- UInt8(ascii: "a") &+ 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte &- UInt8(ascii: "A") &+ 10
        default: nil
        }
    }

    private static let table: [UInt8] = (0...255).map { classes(of: UInt8($0)).rawValue }

    private static func classes(of byte: UInt8) -> ByteClass {
        var classes: ByteClass = []
        let isAlphanumeric = byte &- 0x30 < 10 || lowercased(byte) &- 0x61 < 26
        if isAlphanumeric || "!#$%&'*+-.^_`|~".utf8.contains(byte) { classes.insert(.token) }
        if byte == 0x09 || (byte >= 0x20 && byte != 0x7F) { classes.insert(.fieldValue) }
        if isAlphanumeric || "-._~".utf8.contains(byte) { classes.insert(.unreserved) }
        if isAlphanumeric || "-._~!$&'()*+,;=:@/".utf8.contains(byte) { classes.insert(.path) }
        if isAlphanumeric || "-._~!$&'()*+,;=:@/?[]".utf8.contains(byte) { classes.insert(.query) }
        if isAlphanumeric || "-._~:[]".utf8.contains(byte) { classes.insert(.authority) }
        return classes
    }
}
