import CReplyTape

/// The C library that reads replies.
public enum HiredisVersion {
    /// The version that this program was built with, such as `0.14.1`.
    public static var text: String { String(cString: reply_tape_hiredis_version()) }
}
