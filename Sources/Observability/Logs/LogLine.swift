import Logging

/// Collects the fields of one line in either format.
struct LogLine {
    private let format: LogFormat
    private var bytes: [UInt8] = []

    init(format: LogFormat) {
        self.format = format
        bytes.reserveCapacity(256)
        if format == .json { bytes.append(0x7B) }
    }

    /// A name that does not collide with the fields that the line has already.
    static func free(_ name: String, hasError: Bool) -> String {
        switch name {
        case "time", "level", "logger", "message": "metadata.\(name)"
        case "error" where hasError: "metadata.\(name)"
        default: name
        }
    }

    mutating func add(_ name: String, _ text: String) {
        startField(name)
        switch format {
        case .json: appendQuoted(text)
        case .logfmt: appendBare(text)
        }
    }

    mutating func add(_ name: String, _ value: Logger.MetadataValue) {
        startField(name)
        switch format {
        case .json: appendJSON(value)
        case .logfmt: appendBare(value.description)
        }
    }

    consuming func finished() -> [UInt8] {
        if format == .json { bytes.append(0x7D) }
        bytes.append(0x0A)
        return bytes
    }

    private mutating func startField(_ name: String) {
        switch format {
        case .json:
            if bytes.count > 1 { bytes.append(0x2C) }
            appendQuoted(name)
            bytes.append(0x3A)
        case .logfmt:
            if !bytes.isEmpty { bytes.append(0x20) }
            for byte in name.utf8 {
                let isPlain = byte > 0x20 && byte != 0x3D && byte != 0x22 && byte != 0x7F
                bytes.append(isPlain ? byte : 0x5F)
            }
            bytes.append(0x3D)
        }
    }

    private mutating func appendJSON(_ value: Logger.MetadataValue) {
        switch value {
        case .string(let text): appendQuoted(text)
        case .stringConvertible(let convertible):
            if let number = convertible as? Int {
                bytes.append(contentsOf: number.description.utf8)
            } else {
                appendQuoted(convertible.description)
            }
        case .array(let values):
            bytes.append(0x5B)
            for (index, value) in values.enumerated() {
                if index > 0 { bytes.append(0x2C) }
                appendJSON(value)
            }
            bytes.append(0x5D)
        case .dictionary(let members):
            bytes.append(0x7B)
            for (index, member) in members.sorted(by: { $0.key < $1.key }).enumerated() {
                if index > 0 { bytes.append(0x2C) }
                appendQuoted(member.key)
                bytes.append(0x3A)
                appendJSON(member.value)
            }
            bytes.append(0x7D)
        }
    }

    private mutating func appendBare(_ text: String) {
        let needsQuotes =
            text.isEmpty
            || text.utf8.contains { $0 <= 0x20 || $0 == 0x22 || $0 == 0x3D || $0 == 0x7F }
        if needsQuotes {
            appendQuoted(text)
        } else {
            bytes.append(contentsOf: text.utf8)
        }
    }

    /// Both formats share JSON's quoting.
    private mutating func appendQuoted(_ text: String) {
        bytes.append(0x22)
        for byte in text.utf8 {
            switch byte {
            case 0x22, 0x5C:
                bytes.append(0x5C)
                bytes.append(byte)
            case 0x0A: bytes.append(contentsOf: "\\n".utf8)
            case 0x0D: bytes.append(contentsOf: "\\r".utf8)
            case 0x09: bytes.append(contentsOf: "\\t".utf8)
            case 0x00..<0x20, 0x7F:
                bytes.append(contentsOf: "\\u00".utf8)
                let digits = Array("0123456789abcdef".utf8)
                bytes.append(digits[Int(byte >> 4)])
                bytes.append(digits[Int(byte & 0xF)])
            default: bytes.append(byte)
            }
        }
        bytes.append(0x22)
    }
}
