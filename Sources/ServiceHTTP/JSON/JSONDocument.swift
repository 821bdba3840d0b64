import HTTPTypes
package import JSONText

/// The JSON body of a request, read strictly, with the bytes it came in.
package struct JSONDocument: Sendable {
    /// The body exactly as it was sent, for digests and signatures.
    package let bytes: [UInt8]
    /// What it says.
    package let value: StrictJSON

    /// Reads a body.
    ///
    /// A byte order mark before it is passed over, as RFC 8259 section 8.1 allows.
    ///
    /// Throws a 400 with code `malformed_json` that says what is wrong and where.
    package init(_ bytes: [UInt8]) throws(Problem) {
        self.bytes = bytes
        let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let skipped = bytes.starts(with: mark) ? mark.count : 0
        do {
            self.value = try StrictJSON.parse(skipped == 0 ? bytes : Array(bytes[skipped...]))
        } catch {
            throw Problem(
                .badRequest, code: "malformed_json",
                detail: "The body is not acceptable JSON: \(error.message), "
                    + "at byte \(error.offset + skipped)."
            )
        }
    }

    /// Reads the fields of the body's object.
    ///
    /// Throws a 400 that names every faulty field.
    package func read<Result>(
        unknown: FieldReader.Unknown = .ignored, _ read: (FieldReader) -> Result
    ) throws(Problem) -> Result {
        guard case .object(let members) = value else {
            throw .invalid([Problem.Fault(.pointer(""), "must be an object, not \(value.kind)")])
        }
        let faults = FieldReader.Faults()
        let reader = FieldReader(members: members, pointer: "", faults: faults, unknown: unknown)
        let result = read(reader)
        reader.refuseUnknownMembers()
        guard faults.all.isEmpty else { throw .invalid(faults.all) }
        return result
    }
}
