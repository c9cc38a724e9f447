;;; copilot-offline-ghost.el --- Ghost text  -*- lexical-binding: t; -*-

;;; Commentary:

;; A suggestion stays while the user types what it says; anything else takes it away and asks anew.  Its keys are
;; bound only while it is shown.

;;; Code:

(require 'cl-lib)
(require 'copilot-offline-documents)

(defface copilot-offline-ghost '((t :inherit shadow :slant italic))
  "Text that is suggested."
  :group 'copilot-offline)

(defcustom copilot-offline-suggestions t
  "Whether suggestions are shown while typing, and not only when asked for."
  :type 'boolean
  :group 'copilot-offline)

(defconst copilot-offline--invoked 1)
(defconst copilot-offline--automatic 2)

(cl-defstruct (copilot-offline--suggestion (:constructor copilot-offline--make-suggestion))
  start text tail after item accepted)

(defvar-local copilot-offline--shown nil "The suggestion that is shown in this buffer, or nil.")
(defvar-local copilot-offline--overlay nil)
(defvar-local copilot-offline--tick nil "The state of the text that was looked at last.")
(defvar-local copilot-offline--asked nil "What was asked for last; answers to anything else come too late.")

(defvar copilot-offline-ghost-map
  (let ((map (make-sparse-keymap)))
    (define-key map (kbd "TAB") #'copilot-offline-accept)
    (define-key map (kbd "<tab>") #'copilot-offline-accept)
    (define-key map (kbd "M-<right>") #'copilot-offline-accept-word)
    (define-key map (kbd "M-<down>") #'copilot-offline-accept-line)
    (define-key map (kbd "C-g") #'copilot-offline-dismiss)
    map)
  "Keys while a suggestion is shown; without one they are what they were.")

(defvar copilot-offline--ghost-maps `((copilot-offline--shown . ,copilot-offline-ghost-map)))
(add-to-list 'emulation-mode-map-alists 'copilot-offline--ghost-maps)

(defun copilot-offline--hide ()
  "Take the overlay away."
  (when copilot-offline--overlay
    (delete-overlay copilot-offline--overlay)
    (setq copilot-offline--overlay nil)))

(defun copilot-offline--clear ()
  "Take the suggestion away, and have what was asked for not shown."
  (copilot-offline--hide)
  (setq copilot-offline--shown nil
        copilot-offline--asked nil))

(defun copilot-offline--remaining ()
  "What is left to insert at point.
Nil if the text is no longer what the suggestion was made for."
  (when-let ((shown copilot-offline--shown))
    (let ((start (marker-position (copilot-offline--suggestion-start shown)))
          (text (copilot-offline--suggestion-text shown)))
      (when (<= start (point) (save-excursion (goto-char start) (line-end-position)))
        (let ((typed (buffer-substring-no-properties start (point))))
          (when (and (string-prefix-p typed text)
                     (< (length typed) (length text))
                     (string= (buffer-substring-no-properties (point) (line-end-position))
                              (concat (copilot-offline--suggestion-tail shown)
                                      (copilot-offline--suggestion-after shown))))
            (substring text (length typed))))))))

(defun copilot-offline-visible-p ()
  "Whether a suggestion is shown."
  (and copilot-offline--overlay (copilot-offline--remaining) t))

(defun copilot-offline--draw (rest)
  "Show REST at point."
  (copilot-offline--hide)
  (let* ((tail (copilot-offline--suggestion-tail copilot-offline--shown))
         (repeats (and (not (string-search "\n" rest)) (string-suffix-p tail rest)))
         (text (propertize (if repeats (substring rest 0 (- (length rest) (length tail))) rest)
                           'face 'copilot-offline-ghost)))
    (unless (string-empty-p text)
      (put-text-property 0 1 'cursor t text))
    (setq copilot-offline--overlay
          (make-overlay (point) (if repeats (point) (+ (point) (length tail))) nil t nil))
    (overlay-put copilot-offline--overlay 'priority 100)
    (if (or repeats (string-empty-p tail))
        (overlay-put copilot-offline--overlay 'after-string text)
      (overlay-put copilot-offline--overlay 'display text))))

(defun copilot-offline--update ()
  "Show what is left of the suggestion; nil if it does not hold any more."
  (when-let ((rest (copilot-offline--remaining)))
    (copilot-offline--draw rest)
    t))

(defun copilot-offline--present (item)
  "Show the server's ITEM."
  (let* ((range (plist-get item :range))
         (start (if range (copilot-offline--place (plist-get range :start)) (point)))
         (stop (if range (max (point) (copilot-offline--place (plist-get range :end))) (point)))
         (stop (min stop (line-end-position))))
    (setq copilot-offline--shown
          (copilot-offline--make-suggestion
           :start (copy-marker start)
           :text (plist-get item :insertText)
           :tail (buffer-substring-no-properties (point) stop)
           :after (buffer-substring-no-properties stop (line-end-position))
           :item item
           :accepted 0))
    (if (copilot-offline--update)
        (copilot-offline--notify :textDocument/didShowCompletion (list :item item))
      (copilot-offline--clear))))

(defun copilot-offline--ask-for (trigger)
  "Ask for a suggestion at point; TRIGGER tells whether the user did."
  (copilot-offline--clear)
  (when (and copilot-offline--document (copilot-offline--ready-p) (not buffer-read-only))
    (copilot-offline--sync)
    (let ((buffer (current-buffer))
          (asked (list (buffer-chars-modified-tick) (point))))
      (setq copilot-offline--asked asked)
      (copilot-offline--request
       :textDocument/inlineCompletion
       (list :textDocument (copilot-offline--identifier)
             :position (copilot-offline--position)
             :context (list :triggerKind trigger))
       (lambda (result)
         (when (buffer-live-p buffer)
           (with-current-buffer buffer
             (when (and (eq asked copilot-offline--asked)
                        (equal asked (list (buffer-chars-modified-tick) (point))))
               (copilot-offline--take result)))))))))

(defun copilot-offline--take (result)
  "Show the first usable item of RESULT."
  (let ((items (if (vectorp result) result (plist-get result :items))))
    (when-let ((item (seq-find (lambda (item)
                                 (and (stringp (plist-get item :insertText))
                                      (not (string-empty-p (plist-get item :insertText)))))
                               items)))
      (copilot-offline--present item))))

(defun copilot-offline--typed-p ()
  "Whether the last command is one that writes as users do."
  (or (memq this-command '(self-insert-command newline newline-and-indent delete-backward-char
                           backward-delete-char-untabify indent-for-tab-command copilot-offline-accept
                           copilot-offline-accept-word copilot-offline-accept-line))
      (and (symbolp this-command) this-command
           (string-match-p "electric\\|insert\\|delete-back\\|backspace\\|newline" (symbol-name this-command)))))

(defun copilot-offline--after-command ()
  "See what the user's command means for the suggestion."
  (let ((tick (buffer-chars-modified-tick)))
    (cond
     ((equal tick copilot-offline--tick)
      (unless (or (null copilot-offline--shown) (copilot-offline--update))
        (copilot-offline--clear)))
     ((progn (setq copilot-offline--tick tick) (copilot-offline--update)))
     ((and copilot-offline-suggestions (copilot-offline--typed-p))
      (copilot-offline--ask-for copilot-offline--automatic))
     (t (copilot-offline--clear)))))

;;;; Commands

(defun copilot-offline--part (text part)
  "The begin of TEXT that accepting PART of it takes: word, line or all."
  (pcase part
    ('word (if (string-match "\\`[ \t\n]*\\(?:\\w\\|_\\)+\\|\\`[ \t\n]*[^[:word:]_ \t\n]+" text)
               (match-string 0 text)
             text))
    ('line (string-match "\\`\n?[^\n]*" text) (match-string 0 text))
    (_ text)))

(defun copilot-offline--accept (part)
  "Insert PART of what is shown."
  (let* ((rest (or (copilot-offline--remaining) (user-error "No suggestion is shown")))
         (one copilot-offline--shown)
         (taken (copilot-offline--part rest part)))
    (copilot-offline--hide)
    (undo-boundary)
    (if (string= taken rest)
        (progn
          (copilot-offline--clear)
          (delete-region (point) (+ (point) (length (copilot-offline--suggestion-tail one))))
          (insert rest)
          (copilot-offline--sync)
          (when-let ((command (plist-get (copilot-offline--suggestion-item one) :command)))
            (copilot-offline--request :workspace/executeCommand
                                      (list :command (plist-get command :command)
                                            :arguments (or (plist-get command :arguments) []))
                                      #'ignore)))
      (insert taken)
      (copilot-offline--accepted-part one rest taken))))

(defun copilot-offline--accepted-part (one rest taken)
  "Keep of ONE what is left of REST after TAKEN, and tell the server."
  (cl-incf (copilot-offline--suggestion-accepted one)
           (+ (- (length (copilot-offline--suggestion-text one)) (length rest)) (length taken)))
  (setf (copilot-offline--suggestion-start one) (copy-marker (point))
        (copilot-offline--suggestion-text one) (substring rest (length taken)))
  (let* ((item (copilot-offline--suggestion-item one))
         (begin (substring (plist-get item :insertText) 0 (copilot-offline--suggestion-accepted one))))
    (copilot-offline--notify :textDocument/didPartiallyAcceptCompletion
                             (list :item item
                                   :acceptedLength (/ (length (encode-coding-string begin 'utf-16le)) 2)))))

(defun copilot-offline-accept ()
  "Insert what is suggested."
  (interactive)
  (copilot-offline--accept 'all))

(defun copilot-offline-accept-word ()
  "Insert the next word of what is suggested."
  (interactive)
  (copilot-offline--accept 'word))

(defun copilot-offline-accept-line ()
  "Insert the next line of what is suggested."
  (interactive)
  (copilot-offline--accept 'line))

(defun copilot-offline-dismiss ()
  "Take the suggestion away."
  (interactive)
  (copilot-offline--clear))

(defun copilot-offline-suggest ()
  "Ask for a suggestion at point, even where none came."
  (interactive)
  (copilot-offline--need)
  (copilot-offline--ask-for copilot-offline--invoked)
  (setq copilot-offline--tick (buffer-chars-modified-tick)))

(provide 'copilot-offline-ghost)
;;; copilot-offline-ghost.el ends here
