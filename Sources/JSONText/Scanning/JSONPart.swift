/// Some JSON, checked from end to end (RFC 8259), in which members are found without a tree.
///
/// It is exactly one value: no trailing comma, no second value, no lone surrogate escape, no broken
/// UTF-8, nesting no deeper than a limit. So texts can be spliced together from such parts.
package struct JSONPart: Sendable {
    /// The bytes of the value, without white space around it.
    package let bytes: ArraySlice<UInt8>

    /// The one value of a text; nil if it is not that.
    @inlinable
    package init?(_ text: some Collection<UInt8>, depthMaximum: Int = 64) {
        self.init(bytes: Array(text), depthMaximum: depthMaximum)
    }

    @usableFromInline
    package init?(bytes all: [UInt8], depthMaximum: Int) {
        let value = all.withUnsafeBufferPointer { bytes -> Range<Int>? in
            var scanner = JSONScanner(bytes, depthMaximum: depthMaximum)
            guard let value = try? scanner.skipValue() else { return nil }
            scanner.skipSpace()
            return scanner.isAtEnd ? value : nil
        }
        guard let value else { return nil }
        bytes = all[value]
    }

    private init(unchecked bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
    }

    /// The value of the member `name`, if this is an object with exactly one.
    ///
    /// A name that stands twice is ambiguous and is not found.
    package func member(_ name: String) -> JSONPart? {
        let members = members(name)
        return members.count == 1 ? members.first : nil
    }

    /// The values of all members `name` of this object, in their order.
    package func members(_ name: String) -> [JSONPart] {
        var found: [JSONPart] = []
        forEachMember { key, value in
            if key == name { found.append(JSONPart(unchecked: value)) }
        }
        return found
    }

    /// Text of a string, digits of a number: what may stand in a path or a tag.
    package var scalarText: String? {
        guard let first = bytes.first else { return nil }
        if first == UInt8(ascii: "\"") {
            return bytes.withUnsafeBufferPointer { bytes in
                var scanner = JSONScanner(checked: bytes)
                return (try? scanner.text()).flatMap { try? scanner.string($0) }
            }
        }
        let isNumber = first == UInt8(ascii: "-") || first &- 0x30 < 10
        return isNumber ? String(decoding: bytes, as: UTF8.self) : nil
    }

    /// An object of those members that are among `names`, in their old order.
    package func selecting(_ names: [String]) -> [UInt8]? {
        guard bytes.first == UInt8(ascii: "{") else { return nil }
        var result = [UInt8(ascii: "{")]
        forEachMember { key, value in
            guard names.contains(key) else { return }
            if result.count > 1 { result.append(UInt8(ascii: ",")) }
            result.append(quoted: key)
            result.append(UInt8(ascii: ":"))
            result += value
        }
        result.append(UInt8(ascii: "}"))
        return result
    }

    private func forEachMember(_ body: (_ name: String, _ value: ArraySlice<UInt8>) -> Void) {
        bytes.withUnsafeBufferPointer { text in
            var scanner = JSONScanner(checked: text)
            guard scanner.take("{"), !scanner.take("}") else { return }
            repeat {
                guard let place = try? scanner.text(),
                    let name = try? scanner.string(place), scanner.take(":"),
                    let value = try? scanner.skipValue()
                else { return }
                let start = bytes.startIndex
                body(name, bytes[start + value.lowerBound..<start + value.upperBound])
            } while scanner.take(",")
        }
    }
}
